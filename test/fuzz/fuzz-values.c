/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Texts with a grammar of their own that stand in settings: words, quantities, points in time, policies of system calls. What is printed of one that is
 * taken is the same again. */

#include <time.h>

#include "fuzz.h"
#include "settings/calendar.h"
#include "settings/quantity.h"
#include "settings/quote.h"
#include "settings/syscall-name.h"

static void words(const char *text) {
        _cleanup_strv_ char **l = NULL, **again = NULL;
        _cleanup_free_ char *reason = NULL, *joined = NULL, *reason_again = NULL;

        if (words_split(text, 64, &l, &reason) < 0) {
                must(reason && *reason);
                return;
        }
        must(words_join(l, &joined) >= 0);
        must(words_split(joined, 64, &again, &reason_again) >= 0);
        must(strv_length(l) == strv_length(again));
        for (size_t i = 0; i < strv_length(l); i++)
                must(streq(l[i], again[i]));
}

static void escapes(const char *text) {
        _cleanup_free_ char *plain = NULL, *reason = NULL, *escaped = NULL, *again = NULL, *reason_again = NULL;

        if (text_unescape(text, &plain, &reason) < 0)
                return;
        must(text_escape(plain, &escaped) >= 0);
        must(text_unescape(escaped, &again, &reason_again) >= 0);
        must(streq(plain, again));
}

static void size(const char *text) {
        _cleanup_free_ char *printed = NULL;
        uint64_t n, again;

        if (parse_size(text, &n) < 0)
                return;
        must(print_size(n, &printed) >= 0);
        must(parse_size(printed, &again) >= 0 && again == n);
}

static void span(const char *text) {
        _cleanup_free_ char *printed = NULL;
        uint64_t n, again;

        if (parse_time_span(text, &n) < 0)
                return;
        must(print_time_span(n, &printed) >= 0);
        must(parse_time_span(printed, &again) >= 0 && again == n);
}

static void permyriad(const char *text) {
        _cleanup_free_ char *printed = NULL;
        uint64_t n, again;

        if (parse_permyriad(text, 1000000, &n) < 0)
                return;
        must(print_permyriad(n, &printed) >= 0);
        must(parse_permyriad(printed, 1000000, &again) >= 0 && again == n);
}

static void bits(const char *text) {
        _cleanup_free_ uint8_t *l = NULL, *again = NULL;
        _cleanup_free_ char *printed = NULL;
        size_t n, m;

        if (parse_bit_list(text, 8192, &l, &n) < 0)
                return;
        must(print_bit_list(l, n, &printed) >= 0);
        must(parse_bit_list(printed, 8192, &again, &m) >= 0 && n == m && memcmp(l, again, n) == 0);
}

static void calendar(const char *text) {
        (void) calendar_check(text);
}

static void syscall_word(const char *text) {
        _cleanup_free_ char *reason = NULL;
        SyscallWord w = {};

        if (syscall_word_parse(text, true, &w, &reason) >= 0)
                must(memchr(w.name, 0, sizeof w.name));
        else
                must(reason);
}

static void raw_policy(const char *text) {
        _cleanup_strv_ char **lines = NULL;
        _cleanup_free_ char *copy = strdup(text), *error = NULL;
        char *rest = copy, *line;

        while ((line = strsep(&rest, "\n")))
                must(strv_extend(&lines, line) >= 0);
        if (raw_policy_check(lines, &error) < 0)
                must(error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        static void (*const functions[])(const char *) = { words, escapes, size, span, permyriad, bits, calendar, syscall_word, raw_policy };
        size_t i = fuzz_choice(&data, &n, ELEMENTSOF(functions));
        _cleanup_free_ char *text = fuzz_text(data, n);

        functions[i](text);
        (void) text_is_plain(text);
        return 0;
}
