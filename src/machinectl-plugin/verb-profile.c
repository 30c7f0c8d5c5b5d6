/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* profile: named files of settings that containers share. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/pager.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/settings.h"

static int do_list(Ctl *c, char *const *words) {
        static const TableColumn columns[] = {
                { "NAME", "name" },
                { "DESCRIPTION", "description", TABLE_SHRINK },
                { "OWNERS", "owners_may_assign" },
                { "USED BY", "used_by", TABLE_SHRINK },
                { "FILE", "file", TABLE_SHRINK },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        int r;

        r = bus_method(c, "ListProfiles", NULL, &reply, "");
        if (r < 0)
                return r;
        r = table_new(columns, ELEMENTSOF(columns), &t);
        if (r < 0)
                return report_oom();
        r = sd_bus_message_enter_container(reply, 'a', "(sssbas)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sssbas")) > 0) {
                const char *name, *description, *file;
                _cleanup_strv_ char **users = NULL;
                int assignable;

                r = sd_bus_message_read(reply, "sssb", &name, &description, &file, &assignable);
                if (r >= 0)
                        r = sd_bus_message_read_strv(reply, &users);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        break;
                table_add_text(t, name, NULL);
                table_add_text(t, description, NULL);
                table_add_text(t, assignable ? "yes" : "no", NULL);
                table_add_list(t, users);
                table_add_text(t, file, NULL);
        }
        return r < 0 ? bus_report_parse(r) : ctl_print_table(c, t, "profiles");
}

static int get_text(Ctl *c, const char *name, sd_bus_message **ret_reply, const char **ret_text, const char **ret_file) {
        int r;

        r = bus_method(c, "GetProfile", name, ret_reply, "s", name);
        if (r < 0)
                return r;
        r = sd_bus_message_read(*ret_reply, "ss", ret_text, ret_file);
        return r < 0 ? bus_report_parse(r) : 0;
}

static int do_show(Ctl *c, char *const *words) {
        STRV_FOREACH(name, words) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
                const char *text, *file;
                int r;

                r = get_text(c, *name, &reply, &text, &file);
                if (r < 0)
                        return r;
                printf("%s# %s\n%s", name == words ? "" : "\n", file, text);
        }
        return 0;
}

static int do_get(Ctl *c, char *const *words) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *value = NULL, *error = NULL;
        const char *text, *file;
        int r;

        r = get_text(c, words[0], &reply, &text, &file);
        if (r < 0)
                return r;
        r = settings_file_parse(file, text, &f, &error);
        if (r >= 0)
                r = settings_file_get(f, words[1], &value, &error);
        if (r == -ENOENT) {
                if (!c->quiet)
                        report_note("'%s' is not set in profile '%s'.", words[1], words[0]);
                return EXIT_FAILURE;
        }
        if (r < 0)
                return report_failure("%s", error ?: strerror(-r));
        printf("%s\n", value);
        return 0;
}

static int call_two(Ctl *c, const char *member, const char *name, const char *other) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_message(c, member, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        if (r >= 0 && other)
                r = sd_bus_message_append(m, "s", other);
        return r < 0 ? bus_report_create(r) : job_call(c, m, name, NULL);
}

static int do_create(Ctl *c, char *const *words) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *text = NULL, *error = NULL;
        int r;

        r = settings_file_new(&f);
        STRV_FOREACH(w, words + 1)
                if (r >= 0)
                        r = settings_file_set(f, *w, NULL, &error);
        if (r >= 0)
                r = settings_file_print(f, &text);
        if (r < 0)
                return report_failure("%s", error ?: strerror(-r));
        return call_two(c, "CreateProfile", words[0], text);
}

static int change(Ctl *c, const char *member, const char *name, char **assignments, char **unset) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = bus_message(c, member, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, assignments);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, unset);
        if (r < 0)
                return bus_report_create(r);
        r = job_call(c, m, name, &reply);
        return r < 0 ? r : settings_report_next_start(c, streq(member, "SetSettings") ? name : NULL, reply);
}

static int do_set(Ctl *c, char *const *words) {
        _cleanup_strv_ char **assignments = NULL;
        int r;

        r = settings_read_assignments(words + 1, "profile set PROFILE", &assignments);
        return r != 0 ? r : change(c, "SetProfile", words[0], assignments, NULL);
}

static int do_unset(Ctl *c, char *const *words) {
        return change(c, "SetProfile", words[0], NULL, (char **) words + 1);
}

static int do_edit(Ctl *c, char *const *words) {
        return edit_profile(c, words[0]);
}

static int do_copy(Ctl *c, char *const *words) {
        return call_two(c, "CopyProfile", words[0], words[1]);
}

static int do_rename(Ctl *c, char *const *words) {
        return call_two(c, "RenameProfile", words[0], words[1]);
}

static int do_delete(Ctl *c, char *const *words) {
        int result = 0, r;

        STRV_FOREACH(name, words) {
                r = call_two(c, "DeleteProfile", *name, NULL);
                if (r != 0)
                        result = r;
        }
        return result;
}

static int assign(Ctl *c, const char *container, char *const *profiles) {
        _cleanup_free_ char *joined = NULL, *assignment = NULL;

        if (strv_join(profiles, " ", &joined) < 0 || asprintf(&assignment, "Profiles=%s", joined) < 0)
                return report_oom();
        return change(c, "SetSettings", container, (char *[]) { assignment, NULL }, NULL);
}

/* LXD's way is one word, with commas. */
static int do_assign(Ctl *c, char *const *words) {
        return assign(c, words[0], words + 1);
}

static int get_assigned(Ctl *c, const char *container, char ***ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *value = NULL, *error = NULL;
        const char *text;
        int r;

        r = bus_method(c, "GetSettings", container, &reply, "sb", container, false);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &text);
        if (r < 0)
                return bus_report_parse(r);
        r = settings_file_parse(container, text, &f, &error);
        if (r >= 0)
                r = settings_file_get(f, "Profiles", &value, &error);
        if (r == -ENOENT)
                return 0;
        for (char *rest = value, *name; r >= 0 && (name = strsep(&rest, " ,"));)
                if (*name)
                        r = strv_extend(ret, name);
        return r < 0 ? report_failure("%s", error ?: strerror(-r)) : 0;
}

static int do_add(Ctl *c, char *const *words) {
        _cleanup_strv_ char **names = NULL;
        int r;

        r = get_assigned(c, words[0], &names);
        if (r < 0)
                return r;
        STRV_FOREACH(w, words + 1)
                if (!strv_find(names, *w) && strv_extend(&names, *w) < 0)
                        return report_oom();
        return assign(c, words[0], names);
}

static int do_remove(Ctl *c, char *const *words) {
        _cleanup_strv_ char **names = NULL, **kept = NULL;
        int r;

        r = get_assigned(c, words[0], &names);
        if (r < 0)
                return r;
        STRV_FOREACH(w, words + 1)
                if (!strv_find(names, *w))
                        return report_failure("Container '%s' does not use the profile '%s'.", words[0], *w);
        STRV_FOREACH(n, names)
                if (!strv_find(words + 1, *n) && strv_extend(&kept, *n) < 0)
                        return report_oom();
        return assign(c, words[0], kept);
}

int verb_profile(Ctl *c) {
        static const struct {
                const char *name;
                size_t min, max;
                int (*run)(Ctl *c, char *const *words);
                const char *usage;
        } actions[] = {
                { "list",   0, 0,         do_list,   "list" },
                { "ls",     0, 0,         do_list,   "list" },
                { "show",   1, WORDS_MAX, do_show,   "show PROFILE…" },
                { "create", 1, WORDS_MAX, do_create, "create PROFILE [KEY=VALUE…]" },
                { "edit",   1, 1,         do_edit,   "edit PROFILE" },
                { "get",    2, 2,         do_get,    "get PROFILE KEY" },
                { "set",    2, WORDS_MAX, do_set,    "set PROFILE KEY=VALUE…" },
                { "unset",  2, WORDS_MAX, do_unset,  "unset PROFILE KEY…" },
                { "copy",   2, 2,         do_copy,   "copy PROFILE NEW" },
                { "rename", 2, 2,         do_rename, "rename PROFILE NEW" },
                { "delete", 1, WORDS_MAX, do_delete, "delete PROFILE…" },
                { "rm",     1, WORDS_MAX, do_delete, "delete PROFILE…" },
                { "assign", 1, WORDS_MAX, do_assign, "assign CONTAINER [PROFILE…]" },
                { "apply",  1, WORDS_MAX, do_assign, "assign CONTAINER [PROFILE…]" },
                { "add",    2, WORDS_MAX, do_add,    "add CONTAINER PROFILE…" },
                { "remove", 2, WORDS_MAX, do_remove, "remove CONTAINER PROFILE…" },
        };
        const char *action = c->args->n_words > 0 ? c->args->words[0] : "list";
        size_t n = c->args->n_words > 0 ? c->args->n_words - 1 : 0;

        for (size_t i = 0; i < ELEMENTSOF(actions); i++) {
                if (!streq(actions[i].name, action))
                        continue;
                if (n < actions[i].min || n > actions[i].max)
                        return report_usage("Usage: berthctl profile %s", actions[i].usage);
                return actions[i].run(c, c->args->words + (n > 0));
        }
        return report_usage("There is nothing like '%s' to do with profiles. See 'berthctl profile --help'.", action);
}
