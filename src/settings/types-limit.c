/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Types of what the supervisor gives the payload's processes themselves: resource limits, whole numbers in a range, one word of several,
 * the file mode mask. */

#include "settings/table.h"

#include <stdio.h>

#include "basic/strv.h"
#include "settings/quantity.h"

static void clear_rlimit(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, SettingRlimit) = (SettingRlimit) {};
}

typedef int (*ParseLimit)(const char *text, uint64_t *ret);

static int parse_count(const char *text, uint64_t *ret) {
        return parse_u64(text, UINT64_MAX - 1, ret);
}

static int parse_seconds(const char *text, uint64_t *ret) {
        uint64_t usec;
        int r;

        r = parse_time_span(text, &usec);
        if (r < 0)
                return r;
        *ret = usec == USEC_INFINITY ? UINT64_MAX : (usec + USEC_PER_SEC - 1) / USEC_PER_SEC;
        return 0;
}

static int parse_limit(const char *text, ParseLimit parse, uint64_t *ret) {
        if (streq(text, "infinity") || streq(text, "unlimited"))
                return *ret = UINT64_MAX, 0;
        return parse(text, ret);
}

/* "limit" or "soft:hard" */
static int apply_rlimit_with(const Setting *t, Settings *s, const char *text, ParseLimit parse, char **ret_reason) {
        SettingRlimit l = { .set = true };
        const char *colon = strchr(text, ':');
        _cleanup_free_ char *soft = strndup(text, colon ? (size_t) (colon - text) : strlen(text));
        int r;

        if (!soft)
                return -ENOMEM;
        r = parse_limit(soft, parse, &l.soft);
        if (r >= 0)
                r = parse_limit(colon ? colon + 1 : soft, parse, &l.hard);
        if (r < 0)
                return r;
        if ((t->max > 0 && l.hard > t->max && l.hard != UINT64_MAX) || (t->max > 0 && l.soft > t->max && l.soft != UINT64_MAX))
                return -ERANGE;
        if (l.soft > l.hard)
                return setting_reason(ret_reason, "has a soft limit above the hard one");
        *SETTING_FIELD(t, s, SettingRlimit) = l;
        return 0;
}

static int apply_rlimit(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return apply_rlimit_with(t, s, text, parse_count, ret_reason);
}

static int apply_rlimit_size(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return apply_rlimit_with(t, s, text, parse_size, ret_reason);
}

static int apply_rlimit_seconds(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return apply_rlimit_with(t, s, text, parse_seconds, ret_reason);
}

static int apply_rlimit_usec(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        return apply_rlimit_with(t, s, text, parse_time_span, ret_reason);
}

typedef int (*PrintLimit)(uint64_t v, char **ret);

static int print_count(uint64_t v, char **ret) {
        if (v == UINT64_MAX)
                return (*ret = strdup("infinity")) ? 0 : -ENOMEM;
        return asprintf(ret, "%llu", (unsigned long long) v) < 0 ? -ENOMEM : 0;
}

static int print_bytes(uint64_t v, char **ret) {
        return v == UINT64_MAX ? print_count(v, ret) : print_size(v, ret);
}

static int print_rlimit_with(const Setting *t, const Settings *s, PrintLimit print, char **ret) {
        const SettingRlimit *l = SETTING_FIELD_CONST(t, s, SettingRlimit);
        _cleanup_free_ char *soft = NULL, *hard = NULL;
        int r;

        if (!l->set)
                return -ENODATA;
        if (l->soft == l->hard)
                return print(l->soft, ret);
        r = print(l->soft, &soft);
        if (r >= 0)
                r = print(l->hard, &hard);
        return r < 0 ? r : asprintf(ret, "%s:%s", soft, hard) < 0 ? -ENOMEM : 0;
}

static int print_rlimit(const Setting *t, const Settings *s, char **ret) {
        return print_rlimit_with(t, s, print_count, ret);
}

static int print_rlimit_size(const Setting *t, const Settings *s, char **ret) {
        return print_rlimit_with(t, s, print_bytes, ret);
}

static int print_rlimit_usec(const Setting *t, const Settings *s, char **ret) {
        return print_rlimit_with(t, s, print_time_span, ret);
}

static void clear_integer(const Setting *t, Settings *s) {
        *SETTING_FIELD(t, s, int) = 0;
}

static int apply_integer(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        bool negative = text[0] == '-';
        uint64_t v;
        int r;

        r = parse_u64(text + negative, INT32_MAX, &v);
        if (r < 0 && r != -ERANGE)
                return r;
        if (r < 0 || (negative ? -(int64_t) v < t->min : v > t->max) || (!negative && (int64_t) v < t->min))
                return setting_reason(ret_reason, "is not a number from %lld to %llu", (long long) t->min, (unsigned long long) t->max);
        *SETTING_FIELD(t, s, int) = negative ? -(int) v : (int) v;
        return 0;
}

static int print_integer(const Setting *t, const Settings *s, char **ret) {
        return asprintf(ret, "%d", *SETTING_FIELD_CONST(t, s, int)) < 0 ? -ENOMEM : 0;
}

static int apply_mask(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (strlen(text) > 4 || strspn(text, "01234567") != strlen(text) || strtoul(text, NULL, 8) > 0777)
                return -EINVAL;
        *SETTING_FIELD(t, s, int) = (int) strtoul(text, NULL, 8);
        return 0;
}

static int print_mask(const Setting *t, const Settings *s, char **ret) {
        return asprintf(ret, "%04o", (unsigned) *SETTING_FIELD_CONST(t, s, int)) < 0 ? -ENOMEM : 0;
}

bool setting_has_choice(const Setting *t, const char *text) {
        for (const char *p = t->choices; *p; p += strspn(p, " ")) {
                size_t n = strcspn(p, " ");

                if (strlen(text) == n && strncmp(p, text, n) == 0)
                        return true;
                p += n;
        }
        return false;
}

static void clear_choice(const Setting *t, Settings *s) {
        char **field = SETTING_FIELD(t, s, char *);

        free(*field);
        *field = NULL;
}

static int apply_choice(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (!setting_has_choice(t, text))
                return setting_reason(ret_reason, "is none of: %s", t->choices);
        return free_and_strdup(SETTING_FIELD(t, s, char *), text);
}

static int print_choice(const Setting *t, const Settings *s, char **ret) {
        const char *v = *SETTING_FIELD_CONST(t, s, char *);

        return !v ? -ENODATA : (*ret = strdup(v)) ? 0 : -ENOMEM;
}

#define RLIMIT_FORM ", or two of them, soft:hard"

const SettingType setting_type_rlimit = {
        .name = "limit", .expects = "a number or infinity" RLIMIT_FORM, .example = "10:30",
        .apply = apply_rlimit, .print = print_rlimit, .clear = clear_rlimit,
};

const SettingType setting_type_rlimit_size = {
        .name = "size limit", .expects = "a size, such as 64M, or infinity" RLIMIT_FORM, .example = "16M:64M",
        .apply = apply_rlimit_size, .print = print_rlimit_size, .clear = clear_rlimit,
};

const SettingType setting_type_rlimit_seconds = {
        .name = "time limit", .expects = "a time span, such as 90 or 10min, or infinity" RLIMIT_FORM, .example = "60:90",
        .apply = apply_rlimit_seconds, .print = print_rlimit, .clear = clear_rlimit,
};

const SettingType setting_type_rlimit_usec = {
        .name = "time limit", .expects = "a time span, such as 500ms, or infinity" RLIMIT_FORM, .example = "200ms:500ms",
        .apply = apply_rlimit_usec, .print = print_rlimit_usec, .clear = clear_rlimit,
};

const SettingType setting_type_integer = {
        .name = "number", .expects = "a whole number in its range", .example = "7",
        .apply = apply_integer, .print = print_integer, .clear = clear_integer,
};

const SettingType setting_type_mask = {
        .name = "mask", .expects = "a file mode mask in octal, such as 0027", .example = "0027",
        .apply = apply_mask, .print = print_mask, .clear = clear_integer,
};

const SettingType setting_type_choice = {
        .name = "word", .expects = "one of its words", .apply = apply_choice, .print = print_choice, .clear = clear_choice,
};
