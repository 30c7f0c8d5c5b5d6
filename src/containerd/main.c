/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-containerd: the manager, started by the bus when somebody calls org.berth1. */

#include <getopt.h>
#include <stdio.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/manager.h"

static int usage(void) {
        puts("berth-containerd [OPTION…]\n\n"
             "The manager of the host's berth containers; started on demand by the system bus.\n\n"
             "      --idle-timeout=SECONDS  Leave after so long without work (0: never), whatever IdleExitSec= in berth.conf says\n"
             "      --debug                 Say what is done\n"
             "  -h, --help\n"
             "      --version");
        return 0;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "idle-timeout", required_argument, NULL, 'i' },
                { "debug", no_argument, NULL, 'd' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'v' },
                {},
        };
        _cleanup_(manager_freep) Manager *m = NULL;
        uint64_t idle_usec = 0;
        uint32_t seconds;
        int c, r;

        log_open("berth-containerd");
        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'i':
                        if (parse_u32(optarg, 86400, &seconds) < 0) {
                                log_error("'%s' is no number of seconds up to a day", optarg);
                                return EXIT_FAILURE;
                        }
                        idle_usec = seconds > 0 ? seconds * USEC_PER_SEC : USEC_INFINITY;
                        break;
                case 'd':
                        log_set_max_level(LOG_DEBUG);
                        break;
                case 'h':
                        return usage();
                case 'v':
                        return puts("berth " BERTH_VERSION) < 0;
                default:
                        return EXIT_FAILURE;
                }
        if (optind < argc) {
                log_error("No arguments are expected, see --help");
                return EXIT_FAILURE;
        }

        r = manager_new(idle_usec, &m);
        if (r < 0)
                log_error_errno(r, "Cannot begin: %m");
        else
                r = manager_run(m);
        return r < 0 ? EXIT_FAILURE : r;
}
