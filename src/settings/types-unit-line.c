/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Types of single assignments that the generator writes into drop-ins of berth@NAME.service, and with RawUnit= of berth-NAME.scope too.
 * Kept as lines "Section.Key=value"; a row's property says which line is its own: "Service.Restart". */

#include "settings/table.h"

#include <stdio.h>

#include "basic/strv.h"
#include "settings/quantity.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool is_line_of(const Setting *t, const char *line) {
        const char *rest = startswith(line, t->property);

        return rest && *rest == '=';
}

static void drop_lines(char ***lines, const Setting *t, bool (*mine)(const Setting *t, const char *line)) {
        char **to = *lines;

        for (char **from = to; from && *from; from++)
                if (mine(t, *from))
                        free(*from);
                else
                        *to++ = *from;
        if (to)
                *to = NULL;
        if (to == *lines) {
                free(*lines);
                *lines = NULL;
        }
}

static void clear_line(const Setting *t, Settings *s) {
        drop_lines(&s->unit_lines, t, is_line_of);
}

static int set_line(const Setting *t, Settings *s, const char *value) {
        clear_line(t, s);
        return strv_extendf(&s->unit_lines, "%s=%s", t->property, value);
}

static int print_line(const Setting *t, const Settings *s, char **ret) {
        STRV_FOREACH(l, s->unit_lines)
                if (is_line_of(t, *l))
                        return (*ret = strdup(strchr(*l, '=') + 1)) ? 0 : -ENOMEM;
        return -ENODATA;
}

static int apply_line_choice(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        if (!setting_has_choice(t, text))
                return setting_reason(ret_reason, "is none of: %s", t->choices);
        return set_line(t, s, text);
}

static int apply_line_time(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        _cleanup_free_ char *normal = NULL;
        uint64_t usec;
        int r;

        r = parse_time_span(text, &usec);
        if (r >= 0)
                r = print_time_span(usec, &normal);
        return r < 0 ? r : set_line(t, s, normal);
}

static int apply_line_count(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        char number[DECIMAL_MAX];
        uint64_t v;
        int r;

        r = parse_u64(text, t->max, &v);
        if (r < 0)
                return r;
        snprintf(number, sizeof number, "%llu", (unsigned long long) v);
        return set_line(t, s, number);
}

/* Raw lines are marked, so that they are not taken for those of other rows. */
static bool is_raw(const Setting *t, const char *line) {
        return line[0] == '!';
}

static void clear_raw(const Setting *t, Settings *s) {
        drop_lines(&s->unit_lines, t, is_raw);
}

static int apply_raw(const Setting *t, Settings *s, const char *text, bool again, char **ret_reason) {
        static const char *const sections[] = { "Unit.", "Service.", "Scope." };
        const char *key = NULL;
        size_t n;

        for (size_t i = 0; i < ELEMENTSOF(sections) && !key; i++)
                key = startswith(text, sections[i]);
        if (!key)
                return -EINVAL;
        n = strspn(key, LETTERS "-");
        if (n == 0 || key[n] != '=')
                return -EINVAL;
        if (endswith(text, "\\"))
                return setting_reason(ret_reason, "ends in a backslash");
        if (strv_length(s->unit_lines) >= SETTINGS_LIST_MAX)
                return setting_reason(ret_reason, "makes more than %u lines", SETTINGS_LIST_MAX);
        return strv_extendf(&s->unit_lines, "!%s", text);
}

static int print_raw(const Setting *t, const Settings *s, char **ret) {
        const char *only = NULL;

        STRV_FOREACH(l, s->unit_lines)
                if (is_raw(t, *l)) {
                        if (only)
                                return -ENODATA; /* one assignment holds one line */
                        only = *l + 1;
                }
        return !only ? -ENODATA : (*ret = strdup(only)) ? 0 : -ENOMEM;
}

static bool differ_raw(const Setting *t, const Settings *a, const Settings *b) {
        char *const *x = a->unit_lines, *const *y = b->unit_lines;

        for (;; x++, y++) {
                while (x && *x && !is_raw(t, *x))
                        x++;
                while (y && *y && !is_raw(t, *y))
                        y++;
                if (!x || !*x || !y || !*y)
                        return (x && *x) || (y && *y);
                if (!streq(*x, *y))
                        return true;
        }
}

const SettingType setting_type_unit_choice = {
        .name = "word", .expects = "one of its words", .apply = apply_line_choice, .print = print_line, .clear = clear_line,
};

const SettingType setting_type_unit_time = {
        .name = "time span", .expects = "a time span, such as 90, 1min 30s or infinity", .example = "2min 500ms",
        .apply = apply_line_time, .print = print_line, .clear = clear_line,
};

const SettingType setting_type_unit_count = {
        .name = "number", .expects = "a number in its range", .example = "5",
        .apply = apply_line_count, .print = print_line, .clear = clear_line,
};

const SettingType setting_type_unit_raw = {
        .name = "unit line", .expects = "a line 'Unit.Key=value', 'Service.Key=value' or 'Scope.Key=value'", .example = "Service.LogLevelMax=info", .list = true,
        .apply = apply_raw, .print = print_raw, .clear = clear_raw, .differs = differ_raw,
};
