/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* set-server, get-server, unset-server: settings of all of the host. What they mean is the settings library's to know. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/server.h"

int server_change_settings(Ctl *c, char *const *assignments, char *const *unset) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_message(c, "SetServerSettings", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append_strv(m, (char **) assignments);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) unset);
        return r < 0 ? bus_report_create(r) : job_call(c, m, NULL, NULL);
}

int verb_set_server(Ctl *c) {
        _cleanup_strv_ char **assignments = NULL;
        int r;

        r = settings_read_assignments(c->args->words, "set-server", &assignments);
        return r != 0 ? r : server_change_settings(c, assignments, NULL);
}

int verb_unset_server(Ctl *c) {
        return server_change_settings(c, NULL, c->args->words);
}

int verb_get_server(Ctl *c) {
        static const TableColumn columns[] = { { "SETTING", "setting" }, { "VALUE", "value", TABLE_SHRINK }, { "SOURCE", "source" } };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        _cleanup_free_ char *error = NULL;
        const char *name, *value, *source, *wanted = c->args->words[0];
        ServerKey key;
        int r;

        if (wanted) {
                r = server_find(wanted, &key, &error);
                if (r < 0)
                        return report_failure("%s", error ?: strerror(-r));
        }
        r = bus_method(c, "GetServerSettings", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        r = sd_bus_message_enter_container(reply, 'a', "(sss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sss)", &name, &value, &source)) > 0) {
                if (wanted && !streq(name, server_table[key].name))
                        continue;
                if (wanted && c->style.json == JSON_OFF) {
                        printf("%s\n", value);
                        return 0;
                }
                table_add_text(t, name, NULL);
                table_add_text(t, value, NULL);
                table_add_text(t, *source ? source : "default", NULL);
        }
        return r < 0 ? bus_report_parse(r) : ctl_print_table(c, t, "settings");
}
