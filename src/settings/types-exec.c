/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of [Exec]: the command line, its environment, and how the payload is told to stop. */

#include "settings/profile.h"
#include "settings/table.h"

#include <signal.h>
#include <stdio.h>

#include "basic/strv.h"
#include "settings/quote.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static void clear_strv(const Setting *t, Settings *s) {
        char ***field = SETTING_FIELD(t, s, char **);

        *field = strv_free(*field);
}

static int print_words(const Setting *t, const Settings *s, char **ret) {
        char *const *l = *SETTING_FIELD_CONST(t, s, char **);

        return l ? words_join(l, ret) : -ENODATA;
}

static int apply_command(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        char ***field = SETTING_FIELD(t, s, char **);
        int r;

        r = words_split(text, SETTINGS_LIST_MAX, &words, ret_reason);
        if (r < 0)
                return r;
        if (!words || words[0][0] != '/')
                return -EINVAL;

        strv_free(*field);
        *field = TAKE_PTR(words);
        return 0;
}

/* Takes the new "key<separator>value" and drops the entry with the same key. */
static int replace_entry(char ***l, char *entry, size_t key_size, char **ret_reason) {
        for (char **p = *l; p && *p; p++)
                if (strncmp(*p, entry, key_size + 1) == 0) {
                        free(*p);
                        *p = entry;
                        return 0;
                }
        if (strv_length(*l) >= SETTINGS_LIST_MAX) {
                free(entry);
                return setting_reason(ret_reason, "makes more than %u entries", SETTINGS_LIST_MAX);
        }
        return strv_consume(l, entry);
}

static int replace_entries(char ***l, char *const *words, char **ret_reason) {
        int r;

        STRV_FOREACH(w, words) {
                char *copy = strdup(*w);

                if (!copy)
                        return -ENOMEM;
                r = replace_entry(l, copy, strcspn(copy, "="), ret_reason);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int apply_environment(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        int r;

        r = words_split(text, SETTINGS_LIST_MAX, &words, ret_reason);
        if (r < 0)
                return r;

        for (char **w = words; w && *w; w++) {
                size_t n = strspn(*w, LOWER UPPER DIGITS "_");

                if (n == 0 || (*w)[n] != '=' || strchr(DIGITS, **w))
                        return -EINVAL;
                /* These values go on into files that others read line by line. */
                if (text_is_plain(*w) <= 0)
                        return setting_reason(ret_reason, "has a newline or another control character in a variable");
        }
        return replace_entries(SETTING_FIELD(t, s, char **), words, ret_reason);
}

static int apply_metadata(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        int r;

        r = words_split(text, SETTINGS_LIST_MAX, &words, ret_reason);
        if (r < 0)
                return r;
        STRV_FOREACH(w, words) {
                size_t n = strspn(*w, LOWER UPPER DIGITS "._-");

                if (n == 0 || n > 255 || (*w)[n] != '=')
                        return -EINVAL;
        }
        return replace_entries(SETTING_FIELD(t, s, char **), words, ret_reason);
}

static int apply_profiles(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **names = NULL;
        int r;

        for (const char *p = text; *p; p += strspn(p, " ,")) {
                size_t n = strcspn(p, " ,");
                _cleanup_free_ char *name = strndup(p, n);

                p += n;
                if (!name)
                        return -ENOMEM;
                if (!profile_name_valid(name))
                        return -EINVAL;
                if (strv_find(names, name))
                        return setting_reason(ret_reason, "has '%s' twice", name);
                if (strv_length(names) >= PROFILES_MAX)
                        return setting_reason(ret_reason, "has more than %u names", PROFILES_MAX);
                r = strv_extend(&names, name);
                if (r < 0)
                        return r;
        }
        if (!names)
                return -EINVAL;
        strv_free(*SETTING_FIELD(t, s, char **));
        *SETTING_FIELD(t, s, char **) = TAKE_PTR(names);
        return 0;
}

static int print_names(const Setting *t, const Settings *s, char **ret) {
        char *const *l = *SETTING_FIELD_CONST(t, s, char **);

        return l ? strv_join(l, " ", ret) : -ENODATA;
}

bool layer_id_valid(const char *id) {
        return strlen(id) == LAYER_ID_LENGTH && strspn(id, DIGITS "abcdef") == LAYER_ID_LENGTH;
}

static int apply_layers(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_strv_ char **ids = NULL;
        int r;

        for (const char *p = text; *p; p += strspn(p, " ")) {
                size_t n = strcspn(p, " ");
                _cleanup_free_ char *id = strndup(p, n);

                p += n;
                if (!id)
                        return -ENOMEM;
                if (!layer_id_valid(id) || strv_find(ids, id))
                        return -EINVAL;
                if (strv_length(ids) >= LAYERS_MAX)
                        return setting_reason(ret_reason, "has more than %u layers", LAYERS_MAX);
                r = strv_extend(&ids, id);
                if (r < 0)
                        return r;
        }
        if (!ids)
                return -EINVAL;
        strv_free(*SETTING_FIELD(t, s, char **));
        *SETTING_FIELD(t, s, char **) = TAKE_PTR(ids);
        return 0;
}

static int apply_credentials(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        size_t n = strcspn(text, ":");
        char *entry;
        int r;

        /* The id is a file name in the payload. */
        if (n == 0 || n > 255 || text[n] != ':' || text[0] == '.' || strspn(text, LOWER UPPER DIGITS "._-") != n)
                return -EINVAL;

        r = text_unescape(text, &entry, ret_reason);
        if (r < 0)
                return r;
        return replace_entry(SETTING_FIELD(t, s, char **), entry, n, ret_reason);
}

static int print_credentials(const Setting *t, const Settings *s, char **ret) {
        char *const *l = *SETTING_FIELD_CONST(t, s, char **);

        /* One assignment holds one. */
        return l && !l[1] ? text_escape(l[0], ret) : -ENODATA;
}

/* As systemd.exec(5) has it, but that a directory is none of them. */
static int apply_load_credentials(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        size_t n = strcspn(text, ":");
        char *entry;

        if (n == 0 || n > 255 || text[0] == '.' || text[0] == '-' || strspn(text, LOWER UPPER DIGITS "._-") != n)
                return -EINVAL;
        if (text[n] && (text[n + 1] != '/' || strlen(text + n + 1) >= 4096 || strstr(text, "/../") || endswith(text, "/..") || endswith(text, "\\")))
                return setting_reason(ret_reason, "has no absolute path without '..' after the ':'");
        entry = strdup(text);
        return entry ? replace_entry(SETTING_FIELD(t, s, char **), entry, n, ret_reason) : -ENOMEM;
}

static int print_load_credentials(const Setting *t, const Settings *s, char **ret) {
        char *const *l = *SETTING_FIELD_CONST(t, s, char **);

        return l && !l[1] ? (*ret = strdup(l[0])) ? 0 : -ENOMEM : -ENODATA;
}

static bool differ_strv(const Setting *t, const Settings *a, const Settings *b) {
        char *const *x = *SETTING_FIELD_CONST(t, a, char **), *const *y = *SETTING_FIELD_CONST(t, b, char **);

        for (; x && *x && y && *y; x++, y++)
                if (!streq(*x, *y))
                        return true;
        return (x && *x) || (y && *y);
}

static void clear_int(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, int) = 0;
}

static int apply_signal(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        const char *name = startswith(text, "SIG") ?: text, *rest;
        uint32_t n;
        int signal = 0;

        if (parse_u32(text, (uint32_t) SIGRTMAX, &n) >= 0)
                signal = (int) n;
        else if (streq(name, "RTMIN"))
                signal = SIGRTMIN;
        else if (streq(name, "RTMAX"))
                signal = SIGRTMAX;
        else if ((rest = startswith(name, "RTMIN+")) && parse_u32(rest, (uint32_t) (SIGRTMAX - SIGRTMIN), &n) >= 0)
                signal = SIGRTMIN + (int) n;
        else if ((rest = startswith(name, "RTMAX-")) && parse_u32(rest, (uint32_t) (SIGRTMAX - SIGRTMIN), &n) >= 0)
                signal = SIGRTMAX - (int) n;
        else
                for (int i = 1; i < SIGRTMIN; i++) {
                        const char *known = sigabbrev_np(i);

                        if (known && streq(known, name))
                                signal = i;
                }
        if (signal <= 0)
                return -EINVAL;

        *SETTING_FIELD(t, s, int) = signal;
        return 0;
}

static int print_signal(const Setting *t, const Settings *s, char **ret) {
        int signal = *SETTING_FIELD_CONST(t, s, int);
        const char *name;

        if (signal <= 0)
                return -ENODATA;
        if (signal >= SIGRTMIN)
                return asprintf(ret, "SIGRTMIN+%d", signal - SIGRTMIN) < 0 ? -ENOMEM : 0;
        name = sigabbrev_np(signal);
        return (name ? asprintf(ret, "SIG%s", name) : asprintf(ret, "%d", signal)) < 0 ? -ENOMEM : 0;
}

static const char *const notify_ready_table[_NOTIFY_READY_MAX] = {
        [NOTIFY_READY_AUTO] = "auto", [NOTIFY_READY_NO] = "no", [NOTIFY_READY_YES] = "yes",
};

static void clear_notify_ready(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, NotifyReady) = NOTIFY_READY_AUTO;
}

static int apply_notify_ready(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        NotifyReady *field = SETTING_FIELD(t, s, NotifyReady);
        int r;

        if (streq(text, "auto")) {
                *field = NOTIFY_READY_AUTO;
                return 0;
        }
        r = parse_bool(text);
        if (r < 0)
                return r;
        *field = r ? NOTIFY_READY_YES : NOTIFY_READY_NO;
        return 0;
}

static int print_notify_ready(const Setting *t, const Settings *s, char **ret) {
        *ret = strdup(notify_ready_table[*SETTING_FIELD_CONST(t, s, NotifyReady)]);
        return *ret ? 0 : -ENOMEM;
}

const SettingType setting_type_command = {
        .name = "command line", .expects = "a command line that begins with an absolute path", .example = "/usr/bin/env LANG=C sh -c \"echo a b\"",
        .apply = apply_command, .print = print_words, .clear = clear_strv,
};

const SettingType setting_type_environment = {
        .name = "variables", .expects = "a list of NAME=value, quoted as in unit files", .example = "LANG=C.UTF-8 \"GREETING=a b\"", .list = true,
        .apply = apply_environment, .print = print_words, .clear = clear_strv,
};

const SettingType setting_type_profiles = {
        .name = "profiles", .expects = "a list of names of profiles", .example = "default docker",
        .apply = apply_profiles, .print = print_names, .clear = clear_strv,
};

const SettingType setting_type_layers = {
        .name = "layers", .expects = "a list of layers", .example = "0123456789abcdef0123456789abcdef",
        .apply = apply_layers, .print = print_names, .clear = clear_strv,
};

const SettingType setting_type_metadata = {
        .name = "keys", .expects = "a list of KEY=VALUE, quoted as in unit files", .example = "purpose=web \"contact=A B\"", .list = true,
        .apply = apply_metadata, .print = print_words, .clear = clear_strv,
};

const SettingType setting_type_load_credentials = {
        .name = "credential file", .expects = "ID:PATH, or ID", .example = "db.password:/etc/berth/db.password", .list = true,
        .apply = apply_load_credentials, .print = print_load_credentials, .clear = clear_strv, .differs = differ_strv,
};

const SettingType setting_type_credentials = {
        .name = "id:value", .expects = "a credential 'id:value' with an id of letters, digits, '.', '_' and '-'", .example = "app.token:a\\nb", .list = true,
        .apply = apply_credentials, .print = print_credentials, .clear = clear_strv, .differs = differ_strv,
};

const SettingType setting_type_signal = {
        .name = "signal", .expects = "a signal, such as SIGTERM, SIGRTMIN+3 or 15", .example = "SIGRTMIN+3",
        .apply = apply_signal, .print = print_signal, .clear = clear_int,
};

const SettingType setting_type_notify_ready = {
        .name = "auto, yes, no", .expects = "auto, yes or no", .example = "yes",
        .apply = apply_notify_ready, .print = print_notify_ready, .clear = clear_notify_ready,
};
