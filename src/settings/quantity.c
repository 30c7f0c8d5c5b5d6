/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/quantity.h"

#include <assert.h>
#include <stdio.h>

#include "basic/strv.h"

#define DIGITS "0123456789"
#define BLANKS " \t"

typedef struct Unit {
        const char *name;
        uint64_t factor;
} Unit;

#define KIB 1024ULL
#define KILO 1000ULL

static const Unit size_units[] = {
        { "", 1 },
        { "B", 1 },
        { "K", KIB },                                   { "KiB", KIB },                                 { "kB", KILO },
        { "M", KIB * KIB },                             { "MiB", KIB * KIB },                           { "MB", KILO * KILO },
        { "G", KIB * KIB * KIB },                       { "GiB", KIB * KIB * KIB },                     { "GB", KILO * KILO * KILO },
        { "T", KIB * KIB * KIB * KIB },                 { "TiB", KIB * KIB * KIB * KIB },               { "TB", KILO * KILO * KILO * KILO },
        { "P", KIB * KIB * KIB * KIB * KIB },           { "PiB", KIB * KIB * KIB * KIB * KIB },         { "PB", KILO * KILO * KILO * KILO * KILO },
        { "E", KIB * KIB * KIB * KIB * KIB * KIB },     { "EiB", KIB * KIB * KIB * KIB * KIB * KIB },   { "EB", KILO * KILO * KILO * KILO * KILO * KILO },
};

#define MINUTE (60 * USEC_PER_SEC)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define YEAR (31557600 * USEC_PER_SEC) /* 365.25 days, a month is a 12th, as in systemd.time(7) */

static const Unit time_units[] = {
        { "", USEC_PER_SEC },
        { "y", YEAR },          { "year", YEAR },               { "years", YEAR },
        { "M", YEAR / 12 },     { "month", YEAR / 12 },         { "months", YEAR / 12 },
        { "w", 7 * DAY },       { "week", 7 * DAY },            { "weeks", 7 * DAY },
        { "d", DAY },           { "day", DAY },                 { "days", DAY },
        { "h", HOUR },          { "hr", HOUR },                 { "hour", HOUR },       { "hours", HOUR },
        { "m", MINUTE },        { "min", MINUTE },              { "minute", MINUTE },   { "minutes", MINUTE },
        { "s", USEC_PER_SEC },  { "sec", USEC_PER_SEC },        { "second", USEC_PER_SEC },     { "seconds", USEC_PER_SEC },
        { "ms", USEC_PER_MSEC },        { "msec", USEC_PER_MSEC },
        { "us", 1 },            { "usec", 1 },                  { "\xc2\xb5s", 1 },     { "\xce\xbcs", 1 },
};

static const Unit percent_units[] = {
        { "%", 100 },
};

/* Reads "12.5 unit" at *p, moves it behind, and gives the product. */
static int read_quantity(const char **p, const Unit *units, size_t n_units, uint64_t *ret) {
        unsigned __int128 fraction = 0, divisor = 1, value;
        uint64_t whole = 0;
        const char *q = *p;
        size_t n;

        if (!strchr(DIGITS, *q) || !*q)
                return -EINVAL;
        for (; *q && strchr(DIGITS, *q); q++)
                if (__builtin_mul_overflow(whole, 10, &whole) || __builtin_add_overflow(whole, (uint64_t) (*q - '0'), &whole))
                        return -ERANGE;
        if (*q == '.') {
                q++;
                if (!*q || !strchr(DIGITS, *q))
                        return -EINVAL;
                for (; *q && strchr(DIGITS, *q); q++)
                        if (divisor < 1000000000) { /* more digits mean nothing in any unit here */
                                fraction = fraction * 10 + (unsigned) (*q - '0');
                                divisor *= 10;
                        }
        }
        q += strspn(q, BLANKS);

        n = strcspn(q, DIGITS BLANKS);
        for (size_t i = 0; i < n_units; i++)
                if (strlen(units[i].name) == n && strncmp(units[i].name, q, n) == 0) {
                        value = (unsigned __int128) whole * units[i].factor + fraction * units[i].factor / divisor;
                        if (value >= UINT64_MAX) /* which means infinity everywhere */
                                return -ERANGE;
                        *ret = (uint64_t) value;
                        *p = q + n;
                        return 0;
                }
        return -EINVAL;
}

int parse_size(const char *text, uint64_t *ret_bytes) {
        uint64_t v;
        int r;

        r = read_quantity(&text, size_units, ELEMENTSOF(size_units), &v);
        if (r < 0)
                return r;
        if (*text)
                return -EINVAL;
        *ret_bytes = v;
        return 0;
}

int print_size(uint64_t bytes, char **ret) {
        const Unit *best = &size_units[0];

        /* Only the one-letter units: systemd knows no other. */
        for (size_t i = 0; bytes > 0 && i < ELEMENTSOF(size_units); i++)
                if (strlen(size_units[i].name) == 1 && bytes % size_units[i].factor == 0 && size_units[i].factor > best->factor)
                        best = &size_units[i];
        return asprintf(ret, "%llu%s", (unsigned long long) (bytes / best->factor), best->name) < 0 ? -ENOMEM : 0;
}

int parse_time_span(const char *text, uint64_t *ret_usec) {
        uint64_t sum = 0;
        int r;

        if (streq(text, "infinity")) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }

        do {
                uint64_t v;

                r = read_quantity(&text, time_units, ELEMENTSOF(time_units), &v);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(sum, v, &sum) || sum == USEC_INFINITY)
                        return -ERANGE;
                text += strspn(text, BLANKS);
        } while (*text);

        *ret_usec = sum;
        return 0;
}

int print_time_span(uint64_t usec, char **ret) {
        static const Unit units[] = {
                { "d", DAY }, { "h", HOUR }, { "min", MINUTE }, { "s", USEC_PER_SEC }, { "ms", USEC_PER_MSEC }, { "us", 1 },
        };
        _cleanup_strv_ char **parts = NULL;
        int r;

        if (usec == USEC_INFINITY || usec == 0)
                return (*ret = strdup(usec ? "infinity" : "0")) ? 0 : -ENOMEM;

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (usec >= units[i].factor) {
                        r = strv_extendf(&parts, "%llu%s", (unsigned long long) (usec / units[i].factor), units[i].name);
                        if (r < 0)
                                return r;
                        usec %= units[i].factor;
                }
        return strv_join(parts, " ", ret);
}

int parse_permyriad(const char *text, uint64_t max, uint64_t *ret) {
        uint64_t v;
        int r;

        r = read_quantity(&text, percent_units, ELEMENTSOF(percent_units), &v);
        if (r < 0)
                return r;
        if (*text)
                return -EINVAL;
        if (v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}

int print_permyriad(uint64_t permyriad, char **ret) {
        unsigned rest = (unsigned) (permyriad % 100);
        unsigned long long whole = permyriad / 100;

        if (rest == 0)
                return asprintf(ret, "%llu%%", whole) < 0 ? -ENOMEM : 0;
        return (rest % 10 ? asprintf(ret, "%llu.%02u%%", whole, rest) : asprintf(ret, "%llu.%u%%", whole, rest / 10)) < 0 ? -ENOMEM : 0;
}

static int read_number(const char **p, uint64_t max, size_t *ret) {
        uint64_t v = 0;

        if (!**p || !strchr(DIGITS, **p))
                return -EINVAL;
        for (; **p && strchr(DIGITS, **p); (*p)++)
                if (v <= max)
                        v = v * 10 + (uint64_t) (**p - '0');
        if (v > max)
                return -ERANGE;
        *ret = v;
        return 0;
}

int parse_bit_list(const char *text, size_t max_bits, uint8_t **ret, size_t *ret_size) {
        _cleanup_free_ uint8_t *bits = NULL;
        size_t size = 0;
        int r;

        assert(max_bits > 0);

        bits = calloc((max_bits + 7) / 8, 1);
        if (!bits)
                return -ENOMEM;

        for (const char *p = text + strspn(text, BLANKS); *p; p += strspn(p, BLANKS ",")) {
                size_t from, to;

                r = read_number(&p, max_bits - 1, &from);
                if (r < 0)
                        return r;
                to = from;
                if (*p == '-') {
                        p++;
                        r = read_number(&p, max_bits - 1, &to);
                        if (r < 0)
                                return r;
                }
                if (to < from || (*p && !strchr(BLANKS ",", *p)))
                        return -EINVAL;
                for (size_t i = from; i <= to; i++)
                        bits[i / 8] |= (uint8_t) (1U << i % 8);
                size = MAX_OF(size, to / 8 + 1);
        }
        if (size == 0)
                return -EINVAL;

        *ret = TAKE_PTR(bits);
        *ret_size = size;
        return 0;
}

static bool bit_set(const uint8_t *bits, size_t size, size_t i) {
        return i / 8 < size && bits[i / 8] & 1U << i % 8;
}

int print_bit_list(const uint8_t *bits, size_t size, char **ret) {
        _cleanup_strv_ char **parts = NULL;
        int r;

        for (size_t from = 0; from < size * 8; from++) {
                size_t to = from;

                if (!bit_set(bits, size, from))
                        continue;
                while (bit_set(bits, size, to + 1))
                        to++;
                r = to > from ? strv_extendf(&parts, "%zu-%zu", from, to) : strv_extendf(&parts, "%zu", from);
                if (r < 0)
                        return r;
                from = to;
        }
        return strv_join(parts, " ", ret);
}
