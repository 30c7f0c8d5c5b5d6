/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* import, remove-image, alias: images come and go and have names. */

#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/source.h"
#include "machinectl-plugin/verbs.h"
#include "shared/names.h"

static int check_alias(const char *alias) {
        if (!alias_valid(alias))
                return report_failure("'%s' cannot be the name of an image: letters, digits, '.', '_', '+', '-' and '/' between parts, "
                                      "beginning with a letter or digit, at most %u.", alias, ALIAS_NAME_MAX);
        return 0;
}

static int append_properties(sd_bus_message *m, char *const *properties) {
        int r;

        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "properties");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a{ss}");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{ss}");
        STRV_FOREACH(p, properties) {
                _cleanup_free_ char *key = strndup(*p, strcspn(*p, "="));

                if (!key)
                        return -ENOMEM;
                if (r >= 0)
                        r = sd_bus_message_append(m, "{ss}", key, strchr(*p, '=') + 1);
        }
        for (int i = 0; i < 3 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_import_options(Ctl *c, sd_bus_message *m) {
        const char *description = arguments_get(c->args, OPTION_DESCRIPTION);
        char **aliases = c->args->options[OPTION_ALIAS], **properties = c->args->options[OPTION_PROPERTY];
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && aliases) {
                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", "aliases");
                if (r >= 0)
                        r = sd_bus_message_open_container(m, 'v', "as");
                if (r >= 0)
                        r = sd_bus_message_append_strv(m, aliases);
                for (int i = 0; i < 2 && r >= 0; i++)
                        r = sd_bus_message_close_container(m);
        }
        if (r >= 0 && description)
                r = sd_bus_message_append(m, "{sv}", "description", "s", description);
        if (r >= 0 && properties)
                r = append_properties(m, properties);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int check_import(Ctl *c) {
        int r = 0;

        STRV_FOREACH(a, c->args->options[OPTION_ALIAS])
                if (r >= 0)
                        r = check_alias(*a);
        STRV_FOREACH(p, c->args->options[OPTION_PROPERTY])
                if (r >= 0 && (!strchr(*p, '=') || **p == '='))
                        r = report_failure("'%s' is no property: give --property NAME=VALUE.", *p);
        return r;
}

/* A split image: metadata and root file system. */
#define IMPORT_FILES_MAX 2U

static void sources_done(Source (*sources)[IMPORT_FILES_MAX]) {
        for (size_t i = 0; i < IMPORT_FILES_MAX; i++)
                source_done(&(*sources)[i]);
}

int verb_import(Ctl *c) {
        static const char *const standard_input[] = { "-", NULL };
        char *const *names = c->args->n_words > 0 ? c->args->words : (char *const *) standard_input;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sources_done) Source sources[IMPORT_FILES_MAX] = { SOURCE_NONE, SOURCE_NONE };
        const char *fingerprint;
        int r;

        r = check_import(c);
        if (r >= 0)
                r = bus_message(c, "ImportImage", &m);
        if (r < 0)
                return r;

        r = sd_bus_message_open_container(m, 'a', "h");
        for (size_t i = 0; names[i] && r >= 0; i++) {
                r = source_open(names[i], "archive", &sources[i]);
                if (r < 0)
                        return r;
                if (S_ISDIR(sources[i].st.st_mode))
                        return report_failure("'%s' is a directory. Import an archive: tar --numeric-owner -C '%s' -c . | berthctl import -",
                                              names[i], names[i]);
                r = sd_bus_message_append(m, "h", sources[i].fd);
                /* The message has a duplicate; with ours open a relay would not see that nobody reads. */
                sources[i].fd = fd_close(sources[i].fd);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = append_import_options(c, m);
        if (r < 0)
                return bus_report_create(r);

        r = job_call(c, m, names[0], &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "so", &fingerprint, NULL);
        if (r < 0)
                return bus_report_parse(r);
        if (!c->quiet)
                printf("%s\n", fingerprint);
        return 0;
}

int verb_remove_image(Ctl *c) {
        return bus_call_each(c, "RemoveImage", c->args->words, NULL, NULL);
}

static int list_aliases(Ctl *c) {
        static const TableColumn columns[] = {
                { "ALIAS", "alias" },
                { "FINGERPRINT", "fingerprint" },
                { "DESCRIPTION", "description", TABLE_SHRINK },
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        const char *fingerprint, *description;
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
                        r = sd_bus_message_read(reply, "ssttto", &description, NULL, NULL, NULL, NULL, NULL);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        break;
                STRV_FOREACH(a, aliases) {
                        table_add_text(t, *a, NULL);
                        table_add_text(t, fingerprint, NULL);
                        table_add_text(t, description, NULL);
                }
        }
        if (r < 0)
                return bus_report_parse(r);
        table_sort(t, 0);
        return ctl_print_table(c, t, "aliases");
}

static int add_alias(Ctl *c, const char *alias, const char *image) {
        int r;

        r = check_alias(alias);
        if (r < 0)
                return r;
        return bus_method(c, "AddAlias", image, NULL, "ss", alias, image);
}

static int alias_add(Ctl *c) {
        return add_alias(c, c->args->words[1], c->args->words[2]);
}

static int alias_remove(Ctl *c) {
        return bus_call_each(c, "RemoveAlias", c->args->words + 1, NULL, NULL);
}

static int alias_rename(Ctl *c) {
        const char *old = c->args->words[1];
        int r;

        /* In this order the image has a name at every moment. */
        r = add_alias(c, c->args->words[2], old);
        if (r < 0)
                return r;
        return bus_method(c, "RemoveAlias", old, NULL, "s", old);
}

static const struct {
        const char *name;
        size_t min, max; /* words after it */
        int (*run)(Ctl *c);
        const char *usage;
} alias_actions[] = {
        { "list", 0, 0, list_aliases, "list" },
        { "ls", 0, 0, list_aliases, "list" },
        { "add", 2, 2, alias_add, "add ALIAS IMAGE" },
        { "create", 2, 2, alias_add, "add ALIAS IMAGE" },
        { "remove", 1, WORDS_MAX, alias_remove, "remove ALIAS…" },
        { "rm", 1, WORDS_MAX, alias_remove, "remove ALIAS…" },
        { "delete", 1, WORDS_MAX, alias_remove, "remove ALIAS…" },
        { "rename", 2, 2, alias_rename, "rename OLD NEW" },
};

int verb_alias(Ctl *c) {
        const char *action = c->args->n_words > 0 ? c->args->words[0] : "list";
        size_t n = c->args->n_words > 0 ? c->args->n_words - 1 : 0;

        for (size_t i = 0; i < ELEMENTSOF(alias_actions); i++) {
                if (!streq(alias_actions[i].name, action))
                        continue;
                if (n < alias_actions[i].min || n > alias_actions[i].max)
                        return report_usage("Usage: berthctl alias %s", alias_actions[i].usage);
                return alias_actions[i].run(c);
        }
        return report_usage("Aliases can be listed, added, removed and renamed, not '%s'. See 'berthctl alias --help'.", action);
}
