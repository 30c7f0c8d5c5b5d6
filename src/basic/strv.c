/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/strv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

const char *endswith(const char *s, const char *suffix) {
        size_t n = strlen(s), m = strlen(suffix);

        return n >= m && streq(s + n - m, suffix) ? s + n - m : NULL;
}

char **strv_free(char **l) {
        STRV_FOREACH(s, l)
                free(*s);
        free(l);
        return NULL;
}

size_t strv_length(char *const *l) {
        size_t n = 0;

        STRV_FOREACH(s, l)
                n++;
        return n;
}

int strv_consume(char ***l, char *value) {
        size_t n = strv_length(*l);
        char **p;

        if (!value)
                return -ENOMEM;

        p = reallocarray(*l, n + 2, sizeof(char *));
        if (!p) {
                free(value);
                return -ENOMEM;
        }
        p[n] = value;
        p[n + 1] = NULL;
        *l = p;
        return 0;
}

int strv_extend(char ***l, const char *value) {
        return strv_consume(l, strdup(value));
}

int strv_extendf(char ***l, const char *format, ...) {
        char *s = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        if (n < 0)
                return -ENOMEM;
        return strv_consume(l, s);
}

int strv_copy(char *const *l, char ***ret) {
        _cleanup_strv_ char **copy = NULL;
        int r;

        STRV_FOREACH(s, l) {
                r = strv_extend(&copy, *s);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(copy);
        return 0;
}

char *const *strv_find(char *const *l, const char *value) {
        STRV_FOREACH(s, l)
                if (streq(*s, value))
                        return s;
        return NULL;
}

int strv_join(char *const *l, const char *separator, char **ret) {
        size_t size = 1, sep = strlen(separator);
        char *joined, *p;

        STRV_FOREACH(s, l)
                size += strlen(*s) + sep;

        joined = p = malloc(size);
        if (!joined)
                return -ENOMEM;
        *p = 0;
        STRV_FOREACH(s, l) {
                if (s != l)
                        p = stpcpy(p, separator);
                p = stpcpy(p, *s);
        }
        *ret = joined;
        return 0;
}

const char *strv_get_value(char *const *l, const char *key) {
        STRV_FOREACH(s, l) {
                const char *rest = startswith(*s, key);

                if (rest && *rest == '=')
                        return rest + 1;
        }
        return NULL;
}

int free_and_strdup(char **p, const char *s) {
        char *copy = NULL;

        if (s) {
                copy = strdup(s);
                if (!copy)
                        return -ENOMEM;
        }
        free(*p);
        *p = copy;
        return 0;
}

/* Length of the valid UTF-8 sequence at s, 0 when there is none (overlong forms, surrogates and C1 controls included). */
static size_t utf8_length(const unsigned char *s) {
        uint32_t c;
        size_t n;

        if (s[0] < 0x80)
                return s[0] >= 0x20 && s[0] != 0x7f;
        if (s[0] >= 0xc2 && s[0] <= 0xdf) {
                n = 2;
                c = s[0] & 0x1f;
        } else if ((s[0] & 0xf0) == 0xe0) {
                n = 3;
                c = s[0] & 0x0f;
        } else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
                n = 4;
                c = s[0] & 0x07;
        } else
                return 0;

        for (size_t i = 1; i < n; i++) {
                if ((s[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (s[i] & 0x3f);
        }

        if (c < 0xa0 || (n == 3 && c < 0x800) || (n == 4 && (c < 0x10000 || c > 0x10ffff)) || (c >= 0xd800 && c <= 0xdfff))
                return 0;
        /* Bidirectional marks, overrides and isolates reorder what a person reads on a terminal (ATTACKS S82, CVE-2021-42574); U+2028 and U+2029
         * end a line for who goes by Unicode. */
        if ((c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c)
                return 0;
        return n;
}

int string_escape(const char *s, char **ret) {
        char *p, *out;

        assert(s);

        out = p = malloc(strlen(s) * 4 + 1);
        if (!out)
                return -ENOMEM;

        while (*s) {
                size_t n = utf8_length((const unsigned char *) s);

                if (n > 0) {
                        p = mempcpy(p, s, n);
                        s += n;
                } else
                        p += sprintf(p, "\\x%02x", (unsigned char) *s++);
        }
        *p = 0;
        *ret = out;
        return 0;
}

int parse_u64(const char *s, uint64_t max, uint64_t *ret) {
        uint64_t v = 0;

        if (isempty(s))
                return -EINVAL;
        for (; *s; s++) {
                if (*s < '0' || *s > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t) (*s - '0'), &v) || v > max)
                        return -ERANGE;
        }
        *ret = v;
        return 0;
}

int parse_u32(const char *s, uint32_t max, uint32_t *ret) {
        uint64_t v;
        int r;

        r = parse_u64(s, max, &v);
        if (r < 0)
                return r;
        *ret = (uint32_t) v;
        return 0;
}

int parse_bool(const char *s) {
        static const char *const words[][2] = {
                { "no", "yes" }, { "0", "1" }, { "false", "true" }, { "off", "on" }, { "n", "y" }, { "f", "t" },
        };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                for (int v = 0; v < 2; v++)
                        if (strcasecmp(s, words[i][v]) == 0)
                                return v;
        return -EINVAL;
}
