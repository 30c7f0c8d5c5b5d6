/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/parse.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "basic/strv.h"

int parse_timespan(const char *s, uint64_t *ret_usec) {
        static const struct {
                const char *unit;
                uint64_t usec;
        } units[] = {
                { "us", 1 },
                { "ms", USEC_PER_MSEC },
                { "s", USEC_PER_SEC },       { "sec", USEC_PER_SEC },
                { "m", 60 * USEC_PER_SEC },  { "min", 60 * USEC_PER_SEC },
                { "h", 3600 * USEC_PER_SEC }, { "hr", 3600 * USEC_PER_SEC },
                { "d", 86400 * USEC_PER_SEC },
        };
        uint64_t total = 0;

        if (streq(s, "infinity")) {
                *ret_usec = USEC_INFINITY;
                return 0;
        }
        if (!*s)
                return -EINVAL;

        while (*s) {
                uint64_t number = 0, factor = USEC_PER_SEC;
                size_t digits = strspn(s, "0123456789"), letters;

                if (digits == 0)
                        return -EINVAL;
                for (size_t i = 0; i < digits; i++)
                        if (__builtin_mul_overflow(number, 10, &number) || __builtin_add_overflow(number, (uint64_t) (s[i] - '0'), &number))
                                return -EINVAL;
                s += digits;
                letters = strspn(s, "abcdefghijklmnopqrstuvwxyz");
                if (letters > 0) {
                        size_t i;

                        for (i = 0; i < ELEMENTSOF(units); i++)
                                if (strlen(units[i].unit) == letters && strncmp(units[i].unit, s, letters) == 0)
                                        break;
                        if (i == ELEMENTSOF(units))
                                return -EINVAL;
                        factor = units[i].usec;
                }
                s += letters;
                s += strspn(s, " ");
                if (__builtin_mul_overflow(number, factor, &number) || __builtin_add_overflow(total, number, &total))
                        return -EINVAL;
        }
        *ret_usec = total;
        return 0;
}

int parse_signal(const char *s, int *ret) {
        const char *name = strncasecmp(s, "SIG", 3) == 0 ? s + 3 : s, *offset;
        uint32_t number;

        if (parse_u32(s, (uint32_t) SIGRTMAX, &number) >= 0) {
                if (number == 0)
                        return -EINVAL;
                *ret = (int) number;
                return 0;
        }
        if (strncasecmp(name, "RTMIN", 5) == 0) {
                offset = name + 5;
                if (!*offset)
                        number = 0;
                else if (*offset != '+' || parse_u32(offset + 1, (uint32_t) (SIGRTMAX - SIGRTMIN), &number) < 0)
                        return -EINVAL;
                *ret = SIGRTMIN + (int) number;
                return 0;
        }
        for (int i = 1; i < SIGRTMIN; i++) {
                const char *abbreviation = sigabbrev_np(i);

                if (abbreviation && strcasecmp(abbreviation, name) == 0) {
                        *ret = i;
                        return 0;
                }
        }
        return -EINVAL;
}

int parse_mode(const char *s, mode_t *ret) {
        mode_t mode = 0;
        size_t n = strlen(s);

        if (n == 0 || n > 5 || strspn(s, "01234567") != n)
                return -EINVAL;
        for (; *s; s++)
                mode = mode << 3 | (mode_t) (*s - '0');
        if (mode > 07777)
                return -EINVAL;
        *ret = mode;
        return 0;
}
