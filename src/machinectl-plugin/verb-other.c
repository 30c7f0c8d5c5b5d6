/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* cancel, help, version */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/help.h"
#include "machinectl-plugin/pager.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/server.h"
#include "settings/settings.h"

int verb_cancel(Ctl *c) {
        int result = 0, r;

        STRV_FOREACH(word, c->args->words) {
                uint32_t id;

                if (parse_u32(*word, UINT32_MAX, &id) < 0)
                        return report_usage("'%s' is no number of a job. See 'berthctl list-jobs'.", *word);
                r = bus_method(c, "CancelJob", *word, NULL, "u", id);
                if (r < 0)
                        result = r;
        }
        return result;
}

int verb_help(Ctl *c) {
        const char *topic = c->args->words[0];
        const Verb *v;

        if (topic && (streq(topic, "settings") || streq(topic, "config"))) {
                pager_open(c);
                settings_print_help(stdout);
                return 0;
        }
        if (topic && streq(topic, "server")) {
                pager_open(c);
                server_print_help(stdout);
                return 0;
        }
        v = topic ? verb_find(topic) : NULL;
        if (topic && !v)
                return report_usage("There is no help on '%s'. See 'berthctl help', 'berthctl help settings', 'berthctl help server'.", topic);
        pager_open(c);
        return v ? help_print_verb(v) : help_print();
}

int verb_version(Ctl *c) {
        help_print_version();
        return 0;
}
