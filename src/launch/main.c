/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-launch: the supervisor of one container, the main process of berth@NAME.service (berth-launch(8)). */

#include <getopt.h>
#include <stdio.h>

#include "basic/log.h"
#include "launch/plan.h"
#include "launch/supervisor.h"
#include "shared/names.h"

static int dry_run(const char *name) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = settings_load(name, &settings, &error);
        if (r < 0)
                return log_error_errno(r, "Cannot load the settings of container '%s': %s", name, error ?: strerror(-r));
        r = plan_new(name, settings, &plan);
        if (r < 0)
                return log_error_errno(r, "Cannot plan container '%s': %m", name);
        plan_print(plan, stdout);
        return 0;
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "dry-run", no_argument, NULL, 'n' },
                { "run-in", no_argument, NULL, 'r' },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                {},
        };
        SupervisorOptions o = {};
        bool only_print = false;
        int c;

        log_open("berth-launch");
        while ((c = getopt_long(argc, argv, "+h", options, NULL)) >= 0)
                switch (c) {
                case 'n':
                        only_print = true;
                        break;
                case 'r':
                        o.run_in = true;
                        break;
                case 'h':
                        puts("berth-launch [--dry-run] [--run-in] NAME\n\nRuns the container NAME; started by berth@NAME.service.");
                        return EXIT_SUCCESS;
                case 'V':
                        puts("berth-launch " BERTH_VERSION);
                        return EXIT_SUCCESS;
                default:
                        return EXIT_FAILURE;
                }

        if (argc != optind + 1 || !container_name_valid(argv[optind])) {
                log_error("The name of one container is needed.");
                return EXIT_FAILURE;
        }
        o.name = argv[optind];
        if (only_print)
                return dry_run(o.name) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
        return supervisor_run(&o);
}
