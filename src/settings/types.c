/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The types of settings that are one plain value: text, names, numbers, yes and no, time. */

#include "settings/table.h"

#include <stdio.h>

#include "basic/strv.h"
#include "settings/quantity.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static void clear_string(const Setting *t, Settings *s) {
        char **field = SETTING_FIELD(t, s, char *);

        free(*field);
        *field = NULL;
}

static int apply_string(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (strlen(text) > 4096)
                return setting_reason(ret_reason, "is longer than 4096 characters");
        if (endswith(text, "\\"))
                return setting_reason(ret_reason, "ends in a backslash");
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int print_string(const Setting *t, const Settings *s, char **ret) {
        const char *v = *SETTING_FIELD_CONST(t, s, char *);

        if (!v)
                return -ENODATA;
        *ret = strdup(v);
        return *ret ? 0 : -ENOMEM;
}

static int apply_fingerprint(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (strlen(text) != 64 || strspn(text, DIGITS "abcdef") != 64)
                return -EINVAL;
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int apply_uuid(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        if (strlen(text) != strlen(pattern))
                return -EINVAL;
        for (size_t i = 0; i < strlen(pattern); i++)
                if (pattern[i] == '-' ? text[i] != '-' : !strchr(DIGITS "abcdef", text[i]))
                        return -EINVAL;
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int apply_identifier(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (strlen(text) > 64 || strspn(text, LOWER UPPER DIGITS "._-") != strlen(text))
                return -EINVAL;
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int apply_path(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (text[0] != '/' || strlen(text) >= 4096 || endswith(text, "\\"))
                return -EINVAL;
        for (const char *p = text; (p = strstr(p, "/..")); p += 3)
                if (p[3] == '/' || p[3] == 0)
                        return -EINVAL;
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int apply_hostname(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (strlen(text) > 64)
                return -EINVAL;
        for (const char *p = text;; p++) {
                size_t n = strspn(p, LOWER UPPER DIGITS "-");

                if (n == 0 || n > 63 || p[0] == '-' || p[n - 1] == '-')
                        return -EINVAL;
                p += n;
                if (*p == 0)
                        break;
                if (*p != '.')
                        return -EINVAL;
        }
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int check_name_or_id(const char *text, size_t n, char **ret_reason) {
        char name[33] = {};
        uint32_t id;

        if (n == 0 || n >= sizeof name)
                return -EINVAL;
        memcpy(name, text, n);
        if (strspn(name, DIGITS) == n)
                return parse_u32(name, 65533, &id) < 0 ? setting_reason(ret_reason, "is not one of the ids 0 to 65533 of a container") : 0;
        return !strchr(LOWER UPPER "_", name[0]) || strspn(name, LOWER UPPER DIGITS "_.-") != n ? -EINVAL : 0;
}

static int apply_user(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        const char *group = strchr(text, ':');
        int r;

        r = check_name_or_id(text, group ? (size_t) (group - text) : strlen(text), ret_reason);
        if (r >= 0 && group)
                r = check_name_or_id(group + 1, strlen(group + 1), ret_reason);
        if (r < 0)
                return r;
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static void clear_bool(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, bool) = false;
}

static int apply_bool(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        int r;

        r = parse_bool(text);
        if (r < 0)
                return r;
        *SETTING_FIELD(t, s, bool) = r;
        return 0;
}

static int print_bool(const Setting *t, const Settings *s, char **ret) {
        *ret = strdup(*SETTING_FIELD_CONST(t, s, bool) ? "yes" : "no");
        return *ret ? 0 : -ENOMEM;
}

static int print_number(uint64_t v, char **ret) {
        return asprintf(ret, "%llu", (unsigned long long) v) < 0 ? -ENOMEM : 0;
}

static void clear_u32(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, uint32_t) = 0;
}

static int apply_u32(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        /* As a user id the largest one means "none" to the kernel. */
        return parse_u32(text, UINT32_MAX - 1, SETTING_FIELD(t, s, uint32_t));
}

static int print_u32(const Setting *t, const Settings *s, char **ret) {
        return print_number(*SETTING_FIELD_CONST(t, s, uint32_t), ret);
}

static void clear_u64(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, uint64_t) = 0;
}

static int apply_u64(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return parse_u64(text, t->max, SETTING_FIELD(t, s, uint64_t));
}

static int print_u64(const Setting *t, const Settings *s, char **ret) {
        return print_number(*SETTING_FIELD_CONST(t, s, uint64_t), ret);
}

static int apply_time_span(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return parse_time_span(text, SETTING_FIELD(t, s, uint64_t));
}

static int print_time(const Setting *t, const Settings *s, char **ret) {
        return print_time_span(*SETTING_FIELD_CONST(t, s, uint64_t), ret);
}

const SettingType setting_type_string = {
        .name = "text", .expects = "a line of text", .example = "the front end",
        .apply = apply_string, .print = print_string, .clear = clear_string,
};

const SettingType setting_type_fingerprint = {
        .name = "fingerprint", .expects = "a fingerprint, 64 of 0-9 and a-f",
        .example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        .apply = apply_fingerprint, .print = print_string, .clear = clear_string,
};

const SettingType setting_type_uuid = {
        .name = "uuid", .expects = "a UUID in lower case", .example = "6a0f0f0e-7f0b-4f6e-9b0e-0d2e4b7c1a55",
        .apply = apply_uuid, .print = print_string, .clear = clear_string,
};

const SettingType setting_type_identifier = {
        .name = "identifier", .expects = "up to 64 letters, digits, '.', '_' and '-'", .example = "amd64",
        .apply = apply_identifier, .print = print_string, .clear = clear_string,
};

const SettingType setting_type_path = {
        .name = "path", .expects = "an absolute path without '..'", .example = "/srv/app",
        .apply = apply_path, .print = print_string, .clear = clear_string,
};

const SettingType setting_type_hostname = {
        .name = "host name", .expects = "a host name, up to 64 letters, digits, '-' and '.'", .example = "web1.example.org",
        .apply = apply_hostname, .print = print_string, .clear = clear_string,
};

const SettingType setting_type_user = {
        .name = "user", .expects = "a user name or number, and behind : a group when it is not the user's", .example = "www-data",
        .apply = apply_user, .print = print_string, .clear = clear_string,
};

const SettingType setting_type_bool = {
        .name = "boolean", .expects = "yes or no", .example = "yes",
        .apply = apply_bool, .print = print_bool, .clear = clear_bool,
};

const SettingType setting_type_u32 = {
        .name = "number", .expects = "a number from 0 to 4294967294", .example = "65536",
        .apply = apply_u32, .print = print_u32, .clear = clear_u32,
};

const SettingType setting_type_u64 = {
        .name = "number", .expects = "a number", .example = "1700000000000000",
        .apply = apply_u64, .print = print_u64, .clear = clear_u64,
};

const SettingType setting_type_time_span = {
        .name = "time span", .expects = "a time span, such as 90, 1min 30s or infinity", .example = "2min 500ms",
        .apply = apply_time_span, .print = print_time, .clear = clear_u64,
};
