/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/calendar.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "basic/strv.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ZONES "/usr/share/zoneinfo"
#define WORDS 4U /* day of the week, date, time, zone */

static const char *const shorthands[] = {
        "minutely", "hourly", "daily", "monthly", "weekly", "yearly", "annually", "quarterly", "biannually", "bi-annually", "semiannually", "semi-annually",
};

static const char *const days[] = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" };

/* Short or in full. */
static bool is_day(const char *text, size_t n) {
        for (size_t i = 0; i < ELEMENTSOF(days); i++)
                if ((n == 3 || n == strlen(days[i])) && strncasecmp(text, days[i], n) == 0)
                        return true;
        return false;
}

/* "Mon,Wed..Fri" */
static bool is_days(char *text) {
        char *item;

        while ((item = strsep(&text, ","))) {
                char *to = strstr(item, "..");
                size_t n = to ? (size_t) (to - item) : strcspn(item, "-");

                if (!is_day(item, n))
                        return false;
                item += n;
                if (*item && !is_day(item + (to ? 2 : 1), strlen(item + (to ? 2 : 1))))
                        return false;
        }
        return true;
}

static bool is_number(const char **p, unsigned min, unsigned max, unsigned *ret) {
        size_t n = strspn(*p, DIGITS);
        unsigned v = 0;

        if (n == 0 || n > 4)
                return false;
        for (size_t i = 0; i < n; i++)
                v = 10 * v + (unsigned) ((*p)[i] - '0');
        *p += n;
        *ret = v;
        return v >= min && v <= max;
}

/* "*", or a list of numbers and ranges, each with a step perhaps: "1,5..9/2". */
static bool is_component(char *text, unsigned min, unsigned max) {
        unsigned first, last, step;
        char *item;

        if (streq(text, "*"))
                return true;
        while ((item = strsep(&text, ","))) {
                const char *p = item;

                if (!is_number(&p, min, max, &first))
                        return false;
                if (startswith(p, "..")) {
                        p += 2;
                        if (!is_number(&p, first, max, &last))
                                return false;
                }
                if (*p == '/') {
                        p++;
                        if (!is_number(&p, 1, max, &step))
                                return false;
                }
                if (*p)
                        return false;
        }
        return true;
}

/* "2026-*-01", "12-24", "*-02~01": behind '~' are days counted from the month's end. */
static bool is_date(char *text) {
        static const unsigned limits[][2] = { { 1970, 2199 }, { 1, 12 }, { 1, 31 } };
        char *parts[ELEMENTSOF(limits)], *part, *tilde = strchr(text, '~');
        const unsigned (*limit)[2];
        size_t n = 0;

        if (tilde && strpbrk(tilde + 1, "-~"))
                return false;
        if (tilde)
                *tilde = '-';
        while ((part = strsep(&text, "-"))) {
                if (n >= ELEMENTSOF(parts))
                        return false;
                parts[n++] = part;
        }
        if (n < 2)
                return false;
        /* The year is what may be missing. */
        limit = limits + ELEMENTSOF(limits) - n;
        for (size_t i = 0; i < n; i++)
                if (!is_component(parts[i], limit[i][0], limit[i][1]))
                        return false;
        return true;
}

/* "4:00", "*:0/15:30" */
static int check_time(char *text) {
        static const unsigned limits[][2] = { { 0, 23 }, { 0, 59 }, { 0, 59 } };
        char *part;
        size_t n = 0;

        while ((part = strsep(&text, ":"))) {
                bool one = strspn(part, DIGITS) == strlen(part);

                if (n >= ELEMENTSOF(limits) || (n == 0 && !text) || !is_component(part, limits[n][0], limits[n][1]))
                        return -EINVAL;
                if (n == 2 && !one)
                        return -ERANGE;
                n++;
        }
        return 0;
}

static bool is_zone(const char *text) {
        char path[128];

        if (streq(text, "UTC"))
                return true;
        if (!strchr(LOWER UPPER, text[0]) || strspn(text, LOWER UPPER DIGITS "_+-/") != strlen(text) || strlen(text) > 64 || endswith(text, "/"))
                return false;
        snprintf(path, sizeof path, ZONES "/%s", text);
        /* A host without the list has these by another way, if at all. */
        return access(path, F_OK) >= 0 || access(ZONES, F_OK) < 0;
}

int calendar_check(const char *text) {
        _cleanup_free_ char *copy = NULL;
        char *words[WORDS], *word;
        size_t n = 0, i = 0;

        if (strlen(text) > 256)
                return -EINVAL;
        copy = strdup(text);
        if (!copy)
                return -ENOMEM;
        for (char *rest = copy; (word = strsep(&rest, " "));) {
                if (!*word)
                        continue;
                if (n >= WORDS)
                        return -EINVAL;
                words[n++] = word;
        }
        if (n > 1 && is_zone(words[n - 1]))
                n--;
        if (n == 0)
                return -EINVAL;
        for (size_t k = 0; n == 1 && k < ELEMENTSOF(shorthands); k++)
                if (strcasecmp(words[0], shorthands[k]) == 0)
                        return 0;
        if (strchr(LOWER UPPER, words[i][0]) && !is_days(words[i++]))
                return -EINVAL;
        if (i < n && !strchr(words[i], ':') && !is_date(words[i++]))
                return -EINVAL;
        if (i < n) {
                int r = strchr(words[i], ':') ? check_time(words[i++]) : -EINVAL;

                if (r < 0)
                        return r;
        }
        return i == n ? 0 : -EINVAL;
}
