/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* snapshot, list-snapshots, restore, expire, rename; and what copy and delete do with CONTAINER/SNAPSHOT. */

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "basic/clock.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/parse.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "shared/names.h"

/* CONTAINER/SNAPSHOT; *ret_snapshot is NULL when there is no '/'. A word with more of them is left to the manager, which knows why it is no name. */
static int split(const char *word, char **ret_container, const char **ret_snapshot) {
        const char *slash = strchr(word, '/');

        *ret_container = slash ? strndup(word, (size_t) (slash - word)) : strdup(word);
        *ret_snapshot = slash ? slash + 1 : NULL;
        return *ret_container ? 0 : report_oom();
}

static int check_name(const char *name) {
        _cleanup_free_ char *sentence = NULL;

        if (snapshot_name_valid(name))
                return 0;
        return snapshot_name_explain(name, &sentence) < 0 ? report_oom() : report_failure("%s", sentence);
}

/* One word is a name here, and not any part of one. */
static bool name_is_named(char *const *patterns, const char *name) {
        STRV_FOREACH(p, patterns)
                if (fnmatch(*p, name, 0) == 0)
                        return true;
        return false;
}

/* From now on; 0: never. Returns an exit code when it is no time. */
static int read_expiry(const char *text, uint64_t *ret) {
        uint64_t span;

        *ret = 0;
        if (!text || streq(text, "never") || streq(text, "infinity"))
                return 0;
        if (parse_timespan(text, &span) < 0 || span == 0)
                return report_usage("'%s' is no time: give one such as 12h, 7d or 4w, or 'never'.", text);
        if (span != UINT64_MAX)
                *ret = clock_usec(CLOCK_REALTIME) + span;
        return 0;
}

int verb_snapshot(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *snapshot, *name = c->args->words[1], *given;
        _cleanup_free_ char *container = NULL;
        uint64_t expires;
        int r;

        r = split(c->args->words[0], &container, &snapshot);
        if (r >= 0 && snapshot && name)
                return report_usage("'%s' has a snapshot's name in it already.", c->args->words[0]);
        if (r < 0)
                return r;
        r = read_expiry(arguments_get(c->args, OPTION_EXPIRES), &expires);
        if (r != 0)
                return r;
        if (!name)
                name = snapshot;
        r = name ? check_name(name) : 0;
        if (r >= 0)
                r = bus_message(c, "SnapshotContainer", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", container, name ?: "");
        if (r >= 0 && arguments_have(c->args, OPTION_EXPIRES))
                r = sd_bus_message_append(m, "a{sv}", 2, "expires_usec", "t", expires, "stateful", "b", (int) arguments_have(c->args, OPTION_STATEFUL));
        else if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 1, "stateful", "b", (int) arguments_have(c->args, OPTION_STATEFUL));
        if (r < 0)
                return bus_report_create(r);
        r = job_call(c, m, container, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &given);
        if (r < 0)
                return bus_report_parse(r);
        /* Standard output is for what a script cannot know. */
        if (!name)
                printf("%s\n", given);
        return 0;
}

/* For berth-snapshot@.service: of one that does not run as its settings say, and under the name that they say. */
int verb_take_scheduled_snapshot(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *given;
        int r;

        r = bus_message(c, "SnapshotContainer", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ssa{sv}", c->args->words[0], "", 1, "scheduled", "b", true);
        if (r < 0)
                return bus_report_create(r);
        r = job_call(c, m, c->args->words[0], &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &given);
        if (r < 0)
                return bus_report_parse(r);
        printf("%s\n", *given ? given : "It does not run: no snapshot is taken.");
        return 0;
}

/* For berth-expire.service. */
int verb_expire_snapshots(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        uint64_t expires, now = clock_usec(CLOCK_REALTIME);
        _cleanup_strv_ char **words = NULL;
        const char *container, *name;
        int r;

        r = bus_method(c, "ListAllSnapshots", NULL, &reply, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ssttbt)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssttbt)", &container, &name, NULL, &expires, NULL, NULL)) > 0)
                if (expires > 0 && expires <= now) {
                        r = strv_extendf(&words, "%s/%s", container, name);
                        if (r < 0)
                                return report_oom();
                }
        return r < 0 ? bus_report_parse(r) : snapshots_delete(c, words);
}

int verb_restore(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *snapshot, *name = c->args->words[1];
        _cleanup_free_ char *container = NULL;
        int r;

        r = split(c->args->words[0], &container, &snapshot);
        if (r < 0)
                return r;
        if (!name == !snapshot)
                return report_usage("Give a container and one of its snapshots: CONTAINER SNAPSHOT or CONTAINER/SNAPSHOT.");
        r = bus_message(c, "RestoreContainer", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", container, name ?: snapshot);
        return r < 0 ? bus_report_create(r) : job_call(c, m, container, NULL);
}

int verb_expire(Ctl *c) {
        _cleanup_free_ char *container = NULL;
        const char *snapshot;
        uint64_t expires;
        int r;

        r = split(c->args->words[0], &container, &snapshot);
        if (r >= 0 && !snapshot)
                return report_usage("'%s' is no snapshot: give CONTAINER/SNAPSHOT.", c->args->words[0]);
        if (r < 0)
                return r;
        r = read_expiry(c->args->words[1], &expires);
        return r != 0 ? r : bus_method(c, "SetSnapshotExpiry", container, NULL, "sst", container, snapshot, expires);
}

static int move_to_store(Ctl *c, const char *container, const char *store) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = bus_message(c, "MoveContainer", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", container, store);
        return r < 0 ? bus_report_create(r) : job_call(c, m, container, NULL);
}

int verb_rename(Ctl *c) {
        _cleanup_free_ char *container = NULL, *other = NULL;
        const char *snapshot, *new_name = c->args->n_words > 1 ? c->args->words[1] : NULL, *new_snapshot;
        int r;

        r = split(c->args->words[0], &container, &snapshot);
        if (r < 0)
                return r;
        if (arguments_have(c->args, OPTION_STORE)) {
                if (snapshot)
                        return report_failure("A snapshot stays with its container; move '%s'.", container);
                r = move_to_store(c, container, c->args->options[OPTION_STORE][0]);
                if (r < 0 || !new_name || streq(new_name, container))
                        return r;
        }
        if (!new_name)
                return report_usage("There is no NEW-NAME, and no --store.");
        if (!snapshot)
                return bus_method(c, "RenameContainer", container, NULL, "ss", container, new_name);
        r = split(new_name, &other, &new_snapshot);
        if (r < 0)
                return r;
        if (new_snapshot && !streq(other, container))
                return report_failure("A snapshot stays with its container: '%s' is another one than '%s'. 'berthctl copy' makes a container of it.", other, container);
        return bus_method(c, "RenameSnapshot", container, NULL, "sss", container, snapshot, new_snapshot ?: new_name);
}

/* All of one container's in one call, so that they go or stay together. */
int snapshots_delete(Ctl *c, char *const *words) {
        _cleanup_strv_ char **done = NULL;
        int result = 0;

        STRV_FOREACH(w, words) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
                _cleanup_strv_ char **names = NULL;
                _cleanup_free_ char *container = NULL;
                const char *snapshot;
                int r;

                r = split(*w, &container, &snapshot);
                if (r < 0)
                        return r;
                if (strv_find(done, container))
                        continue;
                if (strv_extend(&done, container) < 0)
                        return report_oom();
                STRV_FOREACH(v, w) {
                        const char *rest = startswith(*v, container);

                        if (rest && *rest == '/' && strv_extend(&names, rest + 1) < 0)
                                return report_oom();
                }
                r = bus_message(c, "DeleteSnapshots", &m);
                if (r < 0)
                        return r;
                r = sd_bus_message_append(m, "s", container);
                if (r >= 0)
                        r = sd_bus_message_append_strv(m, names);
                if (r < 0)
                        return bus_report_create(r);
                r = job_call(c, m, container, NULL);
                if (r < 0)
                        result = r;
        }
        return result;
}

int verb_list_snapshots(Ctl *c) {
        static const TableColumn columns[] = {
                { "CONTAINER", "container" },
                { "SNAPSHOT", "name" },
                { "TAKEN", "created_usec" },
                { "EXPIRES", "expires_usec" },
                { "STATE", "state" },
                { "SIZE", "size_bytes", TABLE_RIGHT },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        const char *container, *name;
        uint64_t created, expires, size;
        int stateful, r;

        /* One that is named and not there, or another's, is an error, and no empty list. */
        STRV_FOREACH(w, c->args->words)
                if (!strpbrk(*w, "*?[")) {
                        r = bus_method(c, "GetContainer", *w, NULL, "s", *w);
                        if (r < 0)
                                return r;
                }
        r = bus_method(c, "ListAllSnapshots", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();
        r = sd_bus_message_enter_container(reply, 'a', "(ssttbt)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssttbt)", &container, &name, &created, &expires, &stateful, &size)) > 0) {
                if (c->args->n_words > 0 && !name_is_named(c->args->words, container))
                        continue;
                table_add_text(t, container, NULL);
                table_add_text(t, name, NULL);
                table_add_time(t, created);
                table_add_time(t, expires);
                table_add_text(t, stateful ? "stateful" : "stateless", NULL);
                if (size == UINT64_MAX)
                        table_add_text(t, NULL, NULL);
                else
                        table_add_size(t, size);
        }
        return r < 0 ? bus_report_parse(r) : ctl_print_table(c, t, "snapshots");
}

/* For list: how many each container has. */
int snapshots_count(Ctl *c, char ***ret_containers) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_strv_ char **containers = NULL;
        const char *container;
        int r;

        r = bus_method(c, "ListAllSnapshots", NULL, &reply, "");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(reply, 'a', "(ssttbt)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssttbt)", &container, NULL, NULL, NULL, NULL, NULL)) > 0) {
                r = strv_extend(&containers, container);
                if (r < 0)
                        return report_oom();
        }
        if (r < 0)
                return bus_report_parse(r);
        *ret_containers = TAKE_PTR(containers);
        return 0;
}

/* For status; whoever sees the container sees these. */
void snapshots_print(Ctl *c, const char *container) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *of, *name, *title = "Snapshots:";
        uint64_t created, expires;
        char taken[32], ends[32];
        int stateful, r;

        r = bus_method(c, "ListAllSnapshots", container, &reply, "");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "(ssttbt)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssttbt)", &of, &name, &created, &expires, &stateful, NULL)) > 0) {
                if (!streq(of, container))
                        continue;
                printf("%15s %s, taken %s%s%s, %s\n", title, name, format_time(created, taken), expires > 0 ? ", expires " : "",
                       expires > 0 ? format_time(expires, ends) : "", stateful ? "stateful" : "stateless");
                title = "";
        }
}
