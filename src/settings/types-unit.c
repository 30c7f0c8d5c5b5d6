/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of [Unit]: dependencies that the generator writes into unit files. What passes here may stand there as it is: no blanks,
 * quotes, backslashes, newlines, and no '%', which would be a specifier. */

#include "settings/table.h"

#include <stdio.h>

#include "basic/strv.h"
#include "settings/quote.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define BLANKS " \t"

static bool is_of(const Setting *t, const char *entry) {
        const char *rest = startswith(entry, t->name);

        return rest && *rest == '=';
}

static void clear_dependencies(const Setting *t, Settings *s) {
        char **from = s->unit_dependencies, **to = from;

        for (; from && *from; from++)
                if (is_of(t, *from))
                        free(*from);
                else
                        *to++ = *from;
        if (to)
                *to = NULL;
        if (to == s->unit_dependencies) {
                free(s->unit_dependencies);
                s->unit_dependencies = NULL;
        }
}

static int print_dependencies(const Setting *t, const Settings *s, char **ret) {
        _cleanup_strv_ char **words = NULL;
        int r;

        STRV_FOREACH(entry, s->unit_dependencies)
                if (is_of(t, *entry)) {
                        r = strv_extend(&words, *entry + strlen(t->name) + 1);
                        if (r < 0)
                                return r;
                }
        return words ? strv_join(words, " ", ret) : -ENODATA;
}

static int add_dependency(const Setting *t, Settings *s, const char *value, const char *suffix, const char *prefix, char **ret_reason) {
        _cleanup_free_ char *entry = NULL;

        if (asprintf(&entry, "%s=%s%s%s", t->name, prefix, value, suffix) < 0) {
                entry = NULL;
                return -ENOMEM;
        }
        if (strv_find(s->unit_dependencies, entry))
                return 0;
        if (strv_length(s->unit_dependencies) >= SETTINGS_LIST_MAX)
                return setting_reason(ret_reason, "makes more than %u dependencies", SETTINGS_LIST_MAX);
        return strv_consume(&s->unit_dependencies, TAKE_PTR(entry));
}

static bool unit_name_valid(const char *name) {
        static const char *const suffixes[] = {
                ".service", ".socket", ".target", ".mount", ".automount", ".swap", ".path", ".timer", ".slice", ".scope", ".device",
        };
        size_t n = strlen(name);

        if (n > 255 || strspn(name, LOWER UPPER DIGITS ":-_.@\\") != n || name[0] == '@' || name[0] == '.' || name[0] == '-')
                return false;
        /* A backslash is part of the name, as systemd-escape(1) makes it, and nothing else. */
        for (const char *p = name; (p = strchr(p, '\\')); p++)
                if (p[1] != 'x' || strspn(p + 2, DIGITS "abcdef") < 2)
                        return false;
        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                const char *end = endswith(name, suffixes[i]);

                if (end)
                        /* "a@.service" is a template, not a unit. */
                        return end > name && end[-1] != '@';
        }
        return false;
}

/* A word without a dot is a container. Its name's rule is that of one label of a host name, in lower case. */
static bool container_name_like(const char *name) {
        size_t n = strlen(name);

        return n > 0 && n <= 63 && strspn(name, LOWER DIGITS "-") == n && name[0] != '-' && name[n - 1] != '-';
}

/* Only blanks separate here: systemd takes neither escapes nor quotes off the names of units. */
static int split(const char *text, char ***ret, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        size_t count = 0;
        int r;

        for (const char *p = text + strspn(text, BLANKS); *p; p += strspn(p, BLANKS)) {
                size_t n = strcspn(p, BLANKS);

                if (count++ >= SETTINGS_LIST_MAX)
                        return setting_reason(ret_reason, "has too many words");
                r = strv_consume(&words, strndup(p, n));
                if (r < 0)
                        return r;
                p += n;
        }
        *ret = TAKE_PTR(words);
        return 0;
}

static int apply_units(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        int r;

        r = split(text, &words, ret_reason);
        if (r < 0)
                return r;

        STRV_FOREACH(w, words) {
                if (unit_name_valid(*w))
                        r = add_dependency(t, s, *w, "", "", ret_reason);
                else if (container_name_like(*w))
                        r = add_dependency(t, s, *w, ".service", "berth@", ret_reason);
                else
                        return -EINVAL;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int apply_mounts(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        int r;

        r = split(text, &words, ret_reason);
        if (r < 0)
                return r;

        STRV_FOREACH(w, words) {
                if ((*w)[0] != '/' || strlen(*w) >= 4096 || strpbrk(*w, " \t%\"'\\") || text_is_plain(*w) <= 0 || strstr(*w, "/../") ||
                    endswith(*w, "/.."))
                        return -EINVAL;
                r = add_dependency(t, s, *w, "", "", ret_reason);
                if (r < 0)
                        return r;
        }
        return 0;
}

const SettingType setting_type_units = {
        .name = "units", .expects = "a list of unit names, such as postgresql.service, or names of containers", .example = "postgresql.service db1",
        .list = true, .apply = apply_units, .print = print_dependencies, .clear = clear_dependencies,
};

const SettingType setting_type_mounts = {
        .name = "paths", .expects = "a list of absolute paths without blanks, quotes, backslashes, '%' and '..'", .example = "/srv/data /home",
        .list = true, .apply = apply_mounts, .print = print_dependencies, .clear = clear_dependencies,
};

static int apply_slice(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (!unit_name_valid(text) || !endswith(text, ".slice"))
                return -EINVAL;
        return free_and_strdup(&s->slice, text);
}

static int print_slice(const Setting *t, const Settings *s, char **ret) {
        return !s->slice ? -ENODATA : (*ret = strdup(s->slice)) ? 0 : -ENOMEM;
}

static void clear_slice(const Setting *t, Settings *s) {
        free(TAKE_PTR(s->slice));
}

const SettingType setting_type_slice = {
        .name = "slice", .expects = "the name of a slice, such as machine-lab.slice", .example = "machine-lab.slice",
        .apply = apply_slice, .print = print_slice, .clear = clear_slice,
};
