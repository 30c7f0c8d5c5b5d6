/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/snapshot-pattern.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "basic/strv.h"

#define DIGITS "0123456789"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DATES "YmdHMS"
/* A name has 63: there has to be room for a number, or one that is put behind it. */
#define EXPANDED_MAX 50U

int snapshot_pattern_check(const char *pattern) {
        unsigned numbers = 0;
        size_t length = 0;

        if (!strchr(LOWER UPPER DIGITS "%", pattern[0]) || !pattern[0])
                return -EINVAL;
        for (const char *p = pattern; *p; p++) {
                if (*p != '%') {
                        if (!strchr(LOWER UPPER DIGITS "._+:-", *p))
                                return -EINVAL;
                        length++;
                        continue;
                }
                p++;
                if (*p == 'i')
                        numbers++;
                else if (!*p || !strchr(DATES, *p))
                        return -EINVAL;
                length += *p == 'Y' ? 4 : *p == 'i' ? 0 : 2;
        }
        return numbers > 1 || length > EXPANDED_MAX ? -EINVAL : 0;
}

static int expand_dates(const char *pattern, size_t n, uint64_t usec, char **ret) {
        time_t t = (time_t) (usec / USEC_PER_SEC);
        _cleanup_free_ char *format = strndup(pattern, n);
        char text[EXPANDED_MAX + 2];
        struct tm tm;

        if (!format)
                return -ENOMEM;
        if (!localtime_r(&t, &tm))
                return -ERANGE;
        text[0] = 0;
        if (*format && strftime(text, sizeof text, format, &tm) == 0)
                return -ERANGE;
        return (*ret = strdup(text)) ? 0 : -ENOMEM;
}

int snapshot_pattern_expand(const char *pattern, uint64_t usec, char **ret_head, char **ret_tail) {
        _cleanup_free_ char *head = NULL, *tail = NULL;
        const char *number = strstr(pattern, "%i");
        int r;

        r = expand_dates(pattern, number ? (size_t) (number - pattern) : strlen(pattern), usec, &head);
        if (r >= 0 && number)
                r = expand_dates(number + 2, strlen(number + 2), usec, &tail);
        if (r < 0)
                return r;
        *ret_head = TAKE_PTR(head);
        *ret_tail = TAKE_PTR(tail);
        return 0;
}
