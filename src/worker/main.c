/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "worker/job.h"

/* berth-worker KIND: one job, then it is gone. The manager starts it as berth-job-ID.service with the request on standard input. */

static const struct {
        const char *kind;
        JobFunction function;
} kinds[] = {
        { "alias",        job_alias        },
        { "collect",      job_collect      },
        { "configure",    job_configure    },
        { "copy-from",    job_copy_from    },
        { "copy-to",      job_copy_to      },
        { "create",       job_create       },
        { "delete",       job_delete       },
        { "import",       job_import       },
        { "remove-image", job_remove_image },
};

static JobFunction find_kind(const char *kind) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq(kinds[i].kind, kind))
                        return kinds[i].function;
        return NULL;
}

static int usage(FILE *f) {
        fprintf(f, "berth-worker [--state-dir=DIR] KIND\n\n"
                   "Does one job of the berth manager; the request comes on standard input. Not for people.\nKinds:");
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                fprintf(f, " %s", kinds[i].kind);
        fprintf(f, "\n");
        return f == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { "state-dir", required_argument, NULL, 's' },
                {},
        };
        const char *state_dir = BERTH_STATE_DIR;
        JobFunction function;
        Job job;
        int c, r;

        log_open("berth-worker");
        (void) umask(0077);
        /* Names in archives are bytes that are mostly UTF-8; libarchive refuses them in the C locale. C.UTF-8 is in libc-bin. */
        (void) setlocale(LC_CTYPE, "C.UTF-8");

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        return usage(stdout);
                case 'V':
                        printf("berth %s\n", BERTH_VERSION);
                        return EXIT_SUCCESS;
                case 's':
                        state_dir = optarg;
                        break;
                default:
                        return usage(stderr);
                }
        if (optind != argc - 1 || !(function = find_kind(argv[optind])))
                return usage(stderr);

        r = job_open(&job, STDIN_FILENO, state_dir);
        if (r >= 0)
                r = function(&job);
        if (r < 0)
                job_report_failure(&job);
        job_close(&job);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
