/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl: what an administrator types. Everything that it does is a documented method of org.berth1; it reads and writes nothing of
 * berth's own. */

#include <stdio.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "machinectl-plugin/ctl.h"
#include "machinectl-plugin/report.h"

int main(int argc, char **argv) {
        _cleanup_(arguments_freep) Arguments *args = NULL;
        _cleanup_free_ char *error = NULL;
        Ctl ctl;
        int r;

        log_open("berthctl");

        r = arguments_parse(argc, argv, &args, &error);
        if (r == -EINVAL && error)
                return report_usage("%s", error);
        if (r < 0) {
                report_oom();
                return EXIT_FAILURE;
        }

        r = ctl_init(&ctl, args);
        if (r == 0)
                r = ctl_run(&ctl);
        ctl_done(&ctl);
        return r < 0 ? EXIT_FAILURE : r;
}
