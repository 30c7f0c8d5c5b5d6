/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* set, get, unset, cat: a container's settings. What they mean is the settings library's to know. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/assignments.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/pager.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/settings.h"
#include "settings/table.h"

static int change(Ctl *c, char **assignments, char *const *unset) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *name = c->args->words[0];
        int r;

        r = bus_message(c, "SetSettings", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, assignments);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) unset);
        if (r < 0)
                return bus_report_create(r);
        r = job_call(c, m, name, &reply);
        if (r < 0)
                return r;
        return settings_report_next_start(c, name, reply);
}

int settings_read_assignments(char *const *words, const char *usage, char ***ret) {
        _cleanup_strv_ char **assignments = NULL;
        int r;

        /* LXD's way: KEY VALUE. */
        if (strv_length(words) == 2 && !strchr(words[0], '='))
                r = strv_extendf(&assignments, "%s=%s", words[0], words[1]);
        else {
                STRV_FOREACH(w, words)
                        if (!strchr(*w, '=') || **w == '=')
                                return report_usage("'%s' is no assignment. Usage: berthctl %s KEY=VALUE…", *w, usage);
                r = strv_copy(words, &assignments);
        }
        if (r < 0)
                return report_oom();
        *ret = TAKE_PTR(assignments);
        return 0;
}

int verb_set(Ctl *c) {
        _cleanup_strv_ char **assignments = NULL, **read = NULL;
        int r;

        r = settings_read_assignments(c->args->words + 1, "set NAME", &assignments);
        if (r != 0)
                return r;
        r = assignments_read(assignments, &read);
        return r < 0 ? r : change(c, read, NULL);
}

int verb_unset(Ctl *c) {
        return change(c, NULL, c->args->words + 1);
}

/* text is borrowed from the reply. */
static int get_text(Ctl *c, bool effective, sd_bus_message **ret_reply, const char **ret_text) {
        const char *name = c->args->words[0];
        int r;

        r = bus_method(c, "GetSettings", name, ret_reply, "sb", name, effective);
        if (r < 0)
                return r;
        r = sd_bus_message_read(*ret_reply, "s", ret_text);
        return r < 0 ? bus_report_parse(r) : 0;
}

static int print_lines(const char *text, const char *prefix) {
        bool found = false;

        while (*text) {
                _cleanup_free_ char *line = strndup(text, strcspn(text, "\n")), *escaped = NULL;
                const char *rest;

                if (!line)
                        return report_oom();
                rest = prefix ? startswith(line, prefix) : line;
                if (rest) {
                        if (string_escape(rest, &escaped) < 0)
                                return report_oom();
                        printf("%s\n", escaped);
                        found = true;
                }
                text += strlen(line);
                text += *text == '\n';
        }
        return found;
}

/* All files, in the order in which they count, as systemctl cat has it. */
int verb_cat(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *name = c->args->words[0], *file, *text;
        bool first = true;
        int r;

        if (arguments_have(c->args, OPTION_EFFECTIVE)) {
                r = get_text(c, true, &reply, &text);
                if (r < 0)
                        return r;
                pager_open(c);
                r = print_lines(text, NULL);
                return r < 0 ? r : 0;
        }
        r = bus_method(c, "GetSettingsFiles", name, &reply, "s", name);
        if (r < 0)
                return r;
        pager_open(c);
        r = sd_bus_message_enter_container(reply, 'a', "(ss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &file, &text)) > 0) {
                printf("%s# %s\n", first ? "" : "\n", file);
                first = false;
                r = print_lines(text, NULL);
        }
        return r < 0 ? bus_report_parse(r) : 0;
}

static int not_set(Ctl *c, const char *key) {
        if (!c->quiet)
                report_note("'%s' is not set in '%s'.", key, c->args->words[0]);
        return EXIT_FAILURE;
}

static int get_effective(Ctl *c, const char *key, const char *text) {
        _cleanup_free_ char *error = NULL, *prefix = NULL;
        const Setting *setting;
        const char *subkey;
        int r;

        r = setting_find(key, &setting, &subkey, &error);
        if (r < 0)
                return report_failure("%s", error ?: strerror(-r));
        if (asprintf(&prefix, "%s.%s=", setting->section, setting->name) < 0)
                return report_oom();
        r = print_lines(text, prefix);
        return r == 0 ? not_set(c, key) : r < 0 ? r : 0;
}

int verb_get(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *value = NULL, *error = NULL;
        _cleanup_(settings_file_freep) SettingsFile *file = NULL;
        const char *key = c->args->words[1], *text;
        int r;

        r = get_text(c, arguments_have(c->args, OPTION_EFFECTIVE), &reply, &text);
        if (r < 0)
                return r;
        if (arguments_have(c->args, OPTION_EFFECTIVE))
                return get_effective(c, key, text);

        r = settings_file_parse(c->args->words[0], text, &file, &error);
        if (r >= 0)
                r = settings_file_get(file, key, &value, &error);
        if (r == -ENOENT)
                return not_set(c, key);
        if (r < 0)
                return report_failure("%s", error ?: strerror(-r));
        r = print_lines(value, NULL);
        return r < 0 ? r : 0;
}
