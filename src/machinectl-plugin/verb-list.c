/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* list, list-images, list-jobs: one call each, one table. */

#include <fnmatch.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/addresses.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/remote.h"
#include "shared/names.h"

#define FINGERPRINT_SHOWN 12

/* A pattern is a shell's; one without its special characters is found anywhere in the text. */
bool name_matches(char *const *patterns, const char *text) {
        STRV_FOREACH(p, patterns)
                if (strpbrk(*p, "*?[") ? fnmatch(*p, text, 0) == 0 : strstr(text, *p) != NULL)
                        return true;
        return isempty(patterns ? *patterns : NULL);
}

static bool matches_any(char *const *patterns, char *const *texts) {
        STRV_FOREACH(t, texts)
                if (name_matches(patterns, *t))
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

/* One that has no border between its root and the host's is to be seen at once. */
static void add_type(Table *t, bool ephemeral, bool privileged) {
        const char *const list[] = { "container", ephemeral ? "ephemeral" : privileged ? "PRIV" : NULL, ephemeral && privileged ? "PRIV" : NULL, NULL };

        table_add_list(t, (char *const *) list);
}

#define CONTAINERS_SIGNATURE "(sssuutsbbo)"

/* Those of containers that run, in the order of the answer. */
static int query_addresses(Ctl *c, sd_bus_message *reply, Addresses **ret, size_t *ret_n) {
        Addresses *list = NULL;
        const char *name;
        uint32_t leader;
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(reply, 'a', CONTAINERS_SIGNATURE);
        while (r >= 0 && (r = sd_bus_message_read(reply, CONTAINERS_SIGNATURE, &name, NULL, NULL, &leader, NULL, NULL, NULL, NULL, NULL, NULL)) > 0) {
                Addresses *more;

                if (leader == 0 || !name_matches(c->args->words, name))
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

static unsigned count_word(char *const *words, const char *word) {
        unsigned n = 0;

        STRV_FOREACH(w, words)
                n += streq(*w, word);
        return n;
}

int verb_list(Ctl *c) {
        static const TableColumn columns[] = {
                { "NAME", "name" },
                { "STATE", "state" },
                { "TYPE", "type" },
                { "OS", "os", TABLE_SHRINK },
                { "ADDRESSES", "addresses", TABLE_SHRINK },
                { "IMAGE", "image" },
                { "LEADER", "leader", TABLE_RIGHT },
                { "OWNER", "owner" },
                { "SNAPSHOTS", "snapshots", TABLE_RIGHT },
                { "CREATED", "created_usec" },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_strv_ char **snapshots = NULL;
        const char *name, *state, *image, *os;
        uint32_t leader, owner;
        _cleanup_(table_freep) Table *t = NULL;
        Addresses *addresses = NULL;
        size_t n_addresses = 0;
        uint64_t created;
        int r, ephemeral, privileged;

        r = bus_method(c, "ListContainers", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();

        r = snapshots_count(c, &snapshots);
        if (r < 0)
                return r;
        r = query_addresses(c, reply, &addresses, &n_addresses);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', CONTAINERS_SIGNATURE);
        for (size_t at = 0; r >= 0 && (r = sd_bus_message_read(reply, CONTAINERS_SIGNATURE, &name, &state, &image, &leader, &owner, &created, &os, &ephemeral, &privileged, NULL)) > 0;) {
                bool asked = at < n_addresses && streq(addresses[at].name, name);

                if (!name_matches(c->args->words, name))
                        continue;
                table_add_text(t, name, NULL);
                table_add_text(t, state, state_colour(state));
                add_type(t, ephemeral, privileged);
                table_add_text(t, os, NULL);
                table_add_list(t, asked ? addresses[at++].addresses : NULL);
                add_fingerprint(t, image, c->style.json != JSON_OFF);
                table_add_number(t, leader, leader == 0 ? "-" : NULL);
                add_owner(t, owner);
                table_add_number(t, count_word(snapshots, name), NULL);
                table_add_time(t, created);
        }
        addresses_free(addresses, n_addresses);
        if (r < 0)
                return bus_report_parse(r);
        table_sort(t, 0);
        return ctl_print_table(c, t, "containers");
}

typedef struct ImageRow {
        const char *fingerprint, *description, *architecture, *type;
        char **aliases, **properties; /* owned; the latter "key=value" */
        uint64_t size, created, uploaded;
        uint32_t owner;
        int public;
} ImageRow;

static void image_row_done(ImageRow *i) {
        strv_free(i->aliases);
        strv_free(i->properties);
}

static int read_image(sd_bus_message *reply, ImageRow *i) {
        const char *key, *value;
        int r;

        r = sd_bus_message_read(reply, "s", &i->fingerprint);
        if (r >= 0)
                r = sd_bus_message_read_strv(reply, &i->aliases);
        if (r >= 0)
                r = sd_bus_message_read(reply, "sstttobsu", &i->description, &i->architecture, &i->size, &i->created, &i->uploaded, NULL, &i->public,
                                        &i->type, &i->owner);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "{ss}");
        while (r >= 0 && (r = sd_bus_message_read(reply, "{ss}", &key, &value)) > 0)
                r = strv_extendf(&i->properties, "%s=%s", key, value);
        return r < 0 ? r : sd_bus_message_exit_container(reply);
}

/* KEY=VALUE: of what every image has, or a property. */
static bool has_value(const ImageRow *i, const char *word) {
        size_t n = strcspn(word, "=");
        const struct {
                const char *key, *value;
        } fields[] = {
                { "architecture", i->architecture }, { "type", i->type }, { "public", i->public ? "yes" : "no" },
                { "description", i->description },   { "fingerprint", i->fingerprint },
        };
        const char *wanted = word + n + 1;

        for (size_t k = 0; k < ELEMENTSOF(fields); k++)
                if (strlen(fields[k].key) == n && strncmp(fields[k].key, word, n) == 0) {
                        if (streq(fields[k].key, "public") && parse_bool(wanted) >= 0)
                                return i->public == parse_bool(wanted);
                        return fnmatch(wanted, fields[k].value, FNM_CASEFOLD) == 0;
                }
        STRV_FOREACH(p, i->properties)
                if (strncmp(*p, word, n + 1) == 0)
                        return fnmatch(wanted, *p + n + 1, FNM_CASEFOLD) == 0;
        return false;
}

/* Everything that has a '=' must be so, and of the rest one must be found. */
static bool image_wanted(char *const *words, const ImageRow *i) {
        bool any = false, found = false;

        STRV_FOREACH(w, words) {
                char *const one[] = { *w, NULL };

                if (strchr(*w, '=')) {
                        if (!has_value(i, *w))
                                return false;
                        continue;
                }
                any = true;
                found |= name_matches(one, i->fingerprint) || name_matches(one, i->description) || matches_any(one, i->aliases);
        }
        return found || !any;
}

int verb_list_images(Ctl *c) {
        static const TableColumn columns[] = {
                { "ALIAS", "aliases", TABLE_SHRINK },
                { "FINGERPRINT", "fingerprint" },
                { "PUBLIC", "public" },
                { "DESCRIPTION", "description", TABLE_SHRINK },
                { "ARCHITECTURE", "architecture" },
                { "SIZE", "size_bytes", TABLE_RIGHT },
                { "CREATED", "created_usec" },
                { "UPLOADED", "uploaded_usec" },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        char remote[REMOTE_NAME_MAX + 1];
        const char *pattern;
        int r;

        /* "REMOTE:" and patterns, or "REMOTE:PATTERN". */
        pattern = c->args->n_words > 0 ? remote_split(c->args->words[0], remote) : NULL;
        if (pattern)
                return list_remote_images(c, remote, *pattern ? (char *const[]) { (char *) pattern, NULL } : c->args->words + 1);
        r = bus_method(c, "ListImages", NULL, &reply, "");
        if (r < 0)
                return r;
        if (table_new(columns, ELEMENTSOF(columns), &t) < 0)
                return report_oom();

        r = sd_bus_message_enter_container(reply, 'a', "(" IMAGES_ROW ")");
        while (r >= 0 && (r = sd_bus_message_enter_container(reply, 'r', IMAGES_ROW)) > 0) {
                _cleanup_(image_row_done) ImageRow i = {};

                r = read_image(reply, &i);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        break;
                if (!image_wanted(c->args->words, &i))
                        continue;
                table_add_list(t, i.aliases);
                add_fingerprint(t, i.fingerprint, c->style.json != JSON_OFF);
                table_add_text(t, i.public ? "yes" : "no", NULL);
                table_add_text(t, i.description, NULL);
                table_add_text(t, i.architecture, NULL);
                table_add_size(t, i.size);
                table_add_time(t, i.created);
                table_add_time(t, i.uploaded);
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
