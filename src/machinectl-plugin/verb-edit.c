/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* edit: a container's own settings file. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/edit.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/profile.h"
#include "settings/settings.h"

typedef struct Edited {
        const char *name;   /* borrowed */
        const char *before; /* borrowed */
        bool profile;
} Edited;

static int check(const char *text, void *userdata, char **ret_error) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        const Edited *e = userdata;
        int r;

        if (e->profile)
                return profile_parse(e->name, text, &f, ret_error);
        r = settings_file_parse(e->name, text, &f, ret_error);
        return r < 0 ? r : settings_file_check(f, ret_error);
}

static int save(Ctl *c, const char *text, void *userdata, char **ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const Edited *e = userdata;
        int r;

        r = bus_message(c, e->profile ? "ReplaceProfile" : "ReplaceSettings", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "sss", e->name, text, e->before);
        if (r < 0)
                return bus_report_create(r);
        r = job_try(c, m, e->name, &reply, &error);
        if (sd_bus_error_is_set(&error)) {
                *ret_error = strdup(error.message ?: error.name);
                return -EAGAIN;
        }
        return r < 0 ? r : settings_report_next_start(c, e->profile ? NULL : e->name, reply);
}

int settings_report_next_start(Ctl *c, const char *name, sd_bus_message *reply) {
        _cleanup_strv_ char **next_start = NULL;
        _cleanup_free_ char *joined = NULL;
        int r;

        r = sd_bus_message_read_strv(reply, &next_start);
        if (r < 0)
                return bus_report_parse(r);
        r = strv_join(next_start, name ? ", " : "', '", &joined);
        if (r < 0)
                return report_oom();
        if (next_start && !c->quiet && name)
                report_note("'%s' runs: %s takes effect at its next start.", name, joined);
        else if (next_start && !c->quiet)
                report_note("'%s' runs: some of it takes effect at the next start.", joined);
        return 0;
}

int verb_edit(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *what = NULL;
        Edited e = { .name = c->args->words[0] };
        int r;

        r = bus_method(c, "GetSettings", e.name, &reply, "sb", e.name, false);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &e.before);
        if (r < 0)
                return bus_report_parse(r);
        if (asprintf(&what, "container '%s'", e.name) < 0)
                return report_oom();
        return edit_text(c, what, e.before, check, save, &e);
}

int edit_profile(Ctl *c, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *what = NULL;
        Edited e = { .name = name, .profile = true };
        int r;

        r = bus_method(c, "GetProfile", name, &reply, "s", name);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "ss", &e.before, NULL);
        if (r < 0)
                return bus_report_parse(r);
        if (asprintf(&what, "profile '%s'", name) < 0)
                return report_oom();
        return edit_text(c, what, e.before, check, save, &e);
}
