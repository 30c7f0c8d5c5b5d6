/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/quote.h"

#include "unit.h"

START_TEST(split) {
        static const struct {
                const char *text;
                const char *words[4];
        } good[] = {
                { "", { NULL } },
                { "  a\t b ", { "a", "b" } },
                { "\"a b\" 'c d'", { "a b", "c d" } },
                { "A=\"x y\"z", { "A=x yz" } },
                { "\"\" ''", { "", "" } },
                { "\"it's\" 'say \"x\"'", { "it's", "say \"x\"" } },
                { "a\\sb a\\x41 \\\"q\\\" \\\\", { "a b", "aA", "\"q\"", "\\" } },
                { "\\101 \\u00e4 \\U0001f6a2 \\n", { "A", "\xc3\xa4", "\xf0\x9f\x9a\xa2", "\n" } },
        };
        static const char *const bad[] = { "\"a", "'a", "a\\", "\\q", "\\x4", "\\xzz", "\\x00", "\\000", "\\u0000", "\\ud800", "\\U00110000", "\\400", "\\u12", "\"\\" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_strv_ char **l = NULL;
                char *reason = NULL;

                assert_ok(words_split(good[i].text, 10, &l, &reason), reason);
                for (size_t j = 0; j < 4; j++) {
                        if (!good[i].words[j]) {
                                ck_assert_uint_eq(strv_length(l), j);
                                break;
                        }
                        ck_assert_str_eq(l[j], good[i].words[j]);
                }
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                char **l = NULL, *reason = NULL;

                assert_refused(words_split(bad[i], 10, &l, &reason), -EINVAL, reason, "has a", "");
                ck_assert_ptr_null(l);
        }
        {
                char **l = NULL, *reason = NULL;

                assert_refused(words_split("a b c", 2, &l, &reason), -EINVAL, reason, "too many", "");
        }
}
END_TEST

/* Any bytes there and back, on one printable line that has no backslash at its end. */
START_TEST(round_trip) {
        unsigned seed = 1;

        for (unsigned i = 0; i < 20000; i++) {
                _cleanup_free_ char *line = NULL, *back = NULL, *value = NULL;
                _cleanup_strv_ char **l = NULL;
                char word[12], *reason = NULL;
                size_t n = (size_t) rand_r(&seed) % (sizeof word - 1);

                for (size_t j = 0; j < n; j++)
                        word[j] = i % 2 ? (char) (1 + rand_r(&seed) % 255) : "\\\"' \t\nabx"[rand_r(&seed) % 9];
                word[n] = 0;

                ck_assert_int_eq(word_quote(word, &line), 0);
                ck_assert_int_eq(text_is_plain(line), 1);
                ck_assert(line[0] && line[strlen(line) - 1] != '\\');
                assert_ok(words_split(line, 2, &l, &reason), reason);
                ck_assert_uint_eq(strv_length(l), 1);
                ck_assert_str_eq(l[0], word);

                ck_assert_int_eq(text_escape(word, &value), 0);
                ck_assert_int_eq(text_is_plain(value), 1);
                if (n > 0)
                        ck_assert(!strchr(" \t", value[0]) && !strchr(" \t\\", value[strlen(value) - 1]));
                assert_ok(text_unescape(value, &back, &reason), reason);
                ck_assert_str_eq(back, word);
        }
}
END_TEST

START_TEST(join) {
        char *words[] = { (char *) "a", (char *) "b c", (char *) "", (char *) "d\\", NULL };
        _cleanup_free_ char *s = NULL;

        ck_assert_int_eq(words_join(words, &s), 0);
        ck_assert_str_eq(s, "a \"b c\" \"\" \"d\\\\\"");
}
END_TEST

UNIT_TESTS("quote", split, round_trip, join)
