/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* list, list-images, list-jobs: one call each, one table. */

#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>

#include "basic/strv.h"
#include "machinectl-plugin/addresses.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "shared/names.h"

#define FINGERPRINT_SHOWN 12

/* A pattern is a shell's; one without its special characters is found anywhere in the text. */
static bool matches(char *const *patterns, const char *text) {
        STRV_FOREACH(p, patterns)
                if (strpbrk(*p, "*?[") ? fnmatch(*p, text, 0) == 0 : strstr(text, *p) != NULL)
                        return true;
        return isempty(patterns ? *patterns : NULL);
}

static bool matches_any(char *const *patterns, char *const *texts) {
        STRV_FOREACH(t, texts)
                if (matches(patterns, *t))
                        return true;
        return false;
}

static const char *state_colour(const char *state) {
        return streq(state, "running") ? COLOUR_GREEN :
               streq(state, "failed") ? COLOUR_RED :
               streq(state, "frozen") ? COLOUR_BLUE :
               streq(state, "stopped") ? COLOUR_GREY : COLOUR_YELLOW;
}

static void add_owner(Table *t, uint32_t uid) {
        /* A look-up loads the name service's modules: not for root, whom all hosts have. */
        struct passwd *pw = uid == 0 ? NULL : getpwuid(uid);

        table_add_number(t, uid, uid == 0 ? "root" : pw ? pw->pw_name : NULL);
}

static void add_fingerprint(Table *t, const char *fingerprint, bool whole) {
        char cut[FINGERPRINT_SHOWN + 1];

        snprintf(cut, sizeof cut, "%s", fingerprint);
        table_add_text(t, whole ? fingerprint : cut, NULL);
}

#define CONTAINERS_SIGNATURE "(sssuutso)"

/* Those of containers that run, in the order of the answer. */
static int query_addresses(Ctl *c, sd_bus_message *reply, Addresses **ret, size_t *ret_n) {
        Addresses *list = NULL;
        const char *name;
        uint32_t leader;
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', CONTAINERS_SIGNATURE);
        while (r >= 0 && (r = sd_bus_message_read(reply, CONTAINERS_SIGNATURE, &name, NULL, NULL, &leader, NULL, NULL, NULL, NULL)) > 0) {
                Addresses *more;

                if (leader == 0 || !matches(c->args->words, name))
                        continue;
                more = reallocarray(list, n + 1, sizeof *list);
                if (!more) {
                        r = -ENOMEM;
                        break;
                }
                list = more;
                list[n++] = (Addresses) { .name = strdup(name) };
                if (!list[n - 1].name)
                        r = -ENOMEM;
        }
        if (r >= 0)
                r = sd_bus_message_rewind(reply, true);
        if (r < 0) {
                addresses_free(list, n);
                return r;
        }
        addresses_query(c, list, n);
        *ret = list;
        *ret_n = n;
        return 0;
}

int verb_list(Ctl *c) {
        static const TableColumn columns[] = {
                { "NAME", "name" },
                { "STATE", "state" },
                { "OS", "os", TABLE_SHRINK },
                { "ADDRESSES", "addresses", TABLE_SHRINK },
                { "IMAGE", "image" },
                { "LEADER", "leader", TABLE_RIGHT },
                { "OWNER", "owner" },
                { "CREATED", "created_usec" },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *name, *state, *image, *os;
        uint32_t leader, owner;
        _cleanup_(table_freep) Table *t = NULL;
        Addresses *addresses = NULL;
        size_t n_addresses = 0;
        uint64_t created;
        int r;

        r = bus_method(c, "ListContainers", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();

        r = query_addresses(c, reply, &addresses, &n_addresses);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', CONTAINERS_SIGNATURE);
        for (size_t at = 0; r >= 0 && (r = sd_bus_message_read(reply, CONTAINERS_SIGNATURE, &name, &state, &image, &leader, &owner, &created, &os, NULL)) > 0;) {
                bool asked = at < n_addresses && streq(addresses[at].name, name);

                if (!matches(c->args->words, name))
                        continue;
                table_add_text(t, name, NULL);
                table_add_text(t, state, state_colour(state));
                table_add_text(t, os, NULL);
                table_add_list(t, asked ? addresses[at++].addresses : NULL);
                add_fingerprint(t, image, c->style.json != JSON_OFF);
                table_add_number(t, leader, leader == 0 ? "-" : NULL);
                add_owner(t, owner);
                table_add_time(t, created);
        }
        addresses_free(addresses, n_addresses);
        if (r < 0)
                return bus_report_parse(r);
        table_sort(t, 0);
        return ctl_print_table(c, t, "containers");
}

int verb_list_images(Ctl *c) {
        static const TableColumn columns[] = {
                { "ALIAS", "aliases", TABLE_SHRINK },
                { "FINGERPRINT", "fingerprint" },
                { "DESCRIPTION", "description", TABLE_SHRINK },
                { "ARCHITECTURE", "architecture" },
                { "SIZE", "size_bytes", TABLE_RIGHT },
                { "CREATED", "created_usec" },
                { "UPLOADED", "uploaded_usec" },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const char *fingerprint, *description, *architecture;
        _cleanup_(table_freep) Table *t = NULL;
        uint64_t size, created, uploaded;
        int r;

        r = bus_method(c, "ListImages", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();

        r = sd_bus_message_enter_container(reply, 'a', "(sasssttto)");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', "sasssttto")) > 0) {
                _cleanup_strv_ char **aliases = NULL;

                r = sd_bus_message_read(reply, "s", &fingerprint);
                if (r >= 0)
                        r = sd_bus_message_read_strv(reply, &aliases);
                if (r >= 0)
                        r = sd_bus_message_read(reply, "ssttto", &description, &architecture, &size, &created, &uploaded, NULL);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        break;
                if (!matches(c->args->words, fingerprint) && !matches(c->args->words, description) &&
                    !matches_any(c->args->words, aliases))
                        continue;
                table_add_list(t, aliases);
                add_fingerprint(t, fingerprint, c->style.json != JSON_OFF);
                table_add_text(t, description, NULL);
                table_add_text(t, architecture, NULL);
                table_add_size(t, size);
                table_add_time(t, created);
                table_add_time(t, uploaded);
        }
        if (r < 0)
                return bus_report_parse(r);
        table_sort(t, 0);
        return ctl_print_table(c, t, "images");
}

int verb_list_jobs(Ctl *c) {
        static const TableColumn columns[] = {
                { "ID", "id", TABLE_RIGHT },
                { "KIND", "kind" },
                { "TARGET", "target", TABLE_SHRINK },
                { "PROGRESS", "progress", TABLE_RIGHT },
                { "STATUS", "status", TABLE_SHRINK },
                { "OWNER", "owner" },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        const char *kind, *target, *status;
        uint32_t id, owner;
        double progress;
        int r;

        r = bus_method(c, "ListJobs", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();

        r = sd_bus_message_enter_container(reply, 'a', "(ussdsuo)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(ussdsuo)", &id, &kind, &target, &progress, &status, &owner, NULL)) > 0) {
                table_add_number(t, id, NULL);
                table_add_text(t, kind, NULL);
                table_add_text(t, target, NULL);
                table_add_fraction(t, progress);
                table_add_text(t, status, NULL);
                add_owner(t, owner);
        }
        if (r < 0)
                return bus_report_parse(r);
        table_sort(t, 0);
        return ctl_print_table(c, t, "jobs");
}
