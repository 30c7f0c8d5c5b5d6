/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/strv.h"

#include "unit.h"

START_TEST(vectors) {
        _cleanup_strv_ char **l = NULL, **copy = NULL;
        _cleanup_free_ char *joined = NULL;

        ck_assert_uint_eq(strv_length(NULL), 0);
        ck_assert_ptr_null(strv_find(NULL, "a"));
        ck_assert_int_eq(strv_extend(&l, "a=1"), 0);
        ck_assert_int_eq(strv_extendf(&l, "%s=%d", "ab", 2), 0);
        ck_assert_int_eq(strv_consume(&l, strdup("a=3")), 0);
        ck_assert_int_eq(strv_consume(&l, NULL), -ENOMEM);
        ck_assert_uint_eq(strv_length(l), 3);
        ck_assert_str_eq(strv_get_value(l, "a"), "1");
        ck_assert_str_eq(strv_get_value(l, "ab"), "2");
        ck_assert_ptr_null(strv_get_value(l, "b"));
        ck_assert_ptr_nonnull(strv_find(l, "a=3"));
        ck_assert_int_eq(strv_copy(l, &copy), 0);
        ck_assert_int_eq(strv_join(copy, ", ", &joined), 0);
        ck_assert_str_eq(joined, "a=1, ab=2, a=3");
}
END_TEST

START_TEST(strings) {
        _cleanup_free_ char *s = NULL;

        ck_assert_str_eq(startswith("berth@web", "berth@"), "web");
        ck_assert_ptr_null(startswith("bert", "berth"));
        ck_assert_str_eq(endswith("a.service", ".service"), ".service");
        ck_assert_ptr_null(endswith("ce", ".service"));
        ck_assert(streq_ptr(NULL, NULL) && !streq_ptr("a", NULL) && isempty("") && isempty(NULL));
        ck_assert_int_eq(free_and_strdup(&s, "a"), 0);
        ck_assert_int_eq(free_and_strdup(&s, "b"), 0);
        ck_assert_str_eq(s, "b");
        ck_assert_int_eq(free_and_strdup(&s, NULL), 0);
        ck_assert_ptr_null(s);
}
END_TEST

START_TEST(numbers) {
        static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "0x1", "1.0", "a", "1a" };
        uint64_t v = 7;
        uint32_t u = 7;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_int_eq(parse_u64(bad[i], UINT64_MAX, &v), -EINVAL);
        ck_assert_uint_eq(v, 7);
        ck_assert_int_eq(parse_u64("18446744073709551615", UINT64_MAX, &v), 0);
        ck_assert(v == UINT64_MAX);
        ck_assert_int_eq(parse_u64("18446744073709551616", UINT64_MAX, &v), -ERANGE);
        ck_assert_int_eq(parse_u32("65536", 65535, &u), -ERANGE);
        ck_assert_int_eq(parse_u32("65535", 65535, &u), 0);
        ck_assert_uint_eq(u, 65535);
        ck_assert_int_eq(parse_bool("yes"), 1);
        ck_assert_int_eq(parse_bool("OFF"), 0);
        ck_assert_int_eq(parse_bool("2"), -EINVAL);
        ck_assert_int_eq(parse_bool(""), -EINVAL);
}
END_TEST

START_TEST(escape) {
        static const char *const pairs[][2] = {
                { "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f" },
                { "a\nb\t", "a\\x0ab\\x09" },
                { "\x1b[31m", "\\x1b[31m" },
                { "\x7f", "\\x7f" },
                { "\xff\xc0\x80", "\\xff\\xc0\\x80" },                  /* no UTF-8; overlong NUL */
                { "\xc2\x9b", "\\xc2\\x9b" },                           /* C1 control: CSI */
                { "\xed\xa0\x80", "\\xed\\xa0\\x80" },                  /* surrogate */
                { "\xe2\x80\xae", "\\xe2\\x80\\xae" },                  /* right-to-left override */
                { "\xe2\x80", "\\xe2\\x80" },                           /* cut short */
                { "\xf0\x9f\x9a\xa2", "\xf0\x9f\x9a\xa2" },
                { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },         /* beyond Unicode */
        };

        for (size_t i = 0; i < ELEMENTSOF(pairs); i++) {
                _cleanup_free_ char *s = NULL;

                ck_assert_int_eq(string_escape(pairs[i][0], &s), 0);
                ck_assert_str_eq(s, pairs[i][1]);
        }
}
END_TEST

UNIT_TESTS("strv", vectors, strings, numbers, escape)
