/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/quantity.h"

#include "unit.h"

START_TEST(sizes) {
        static const struct {
                const char *text;
                uint64_t bytes;
                const char *printed;
        } good[] = {
                { "0", 0, "0" },
                { "4096", 4096, "4K" },
                { "4097", 4097, "4097" },
                { "512M", 512ULL << 20, "512M" },
                { "512MiB", 512ULL << 20, "512M" },
                { "512 MiB", 512ULL << 20, "512M" },
                { "512MB", 512000000, "500000K" },
                { "1kB", 1000, "1000" },
                { "1.5G", 1536ULL << 20, "1536M" },
                { "0.1K", 102, "102" },
                { "1.99999999999999999999K", 2047, "2047" },
                { "15E", 15ULL << 60, "15E" },
                { "18446744073709551614", UINT64_MAX - 1, "18446744073709551614" },
        };
        static const struct {
                const char *text;
                int error;
        } bad[] = {
                { "", -EINVAL }, { "M", -EINVAL }, { "-1", -EINVAL }, { "5 parsecs", -EINVAL }, { "5m", -EINVAL }, { "1.M", -EINVAL }, { ".5M", -EINVAL }, { "5M 5M", -EINVAL },
                { "5MM", -EINVAL }, { "0x10", -EINVAL }, { "1e3", -EINVAL }, { "16E", -ERANGE }, { "18446744073709551615", -ERANGE },
                { "99999999999999999999999999", -ERANGE }, { "18446744073709551614K", -ERANGE },
        };
        uint64_t v;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_free_ char *s = NULL;

                ck_assert_msg(parse_size(good[i].text, &v) == 0 && v == good[i].bytes, "%s", good[i].text);
                ck_assert_int_eq(print_size(v, &s), 0);
                ck_assert_str_eq(s, good[i].printed);
                ck_assert_int_eq(parse_size(s, &v), 0);
                ck_assert(v == good[i].bytes);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(parse_size(bad[i].text, &v) == bad[i].error, "%s", bad[i].text);
}
END_TEST

START_TEST(time_spans) {
        static const struct {
                const char *text;
                uint64_t usec;
                const char *printed;
        } good[] = {
                { "0", 0, "0" },
                { "90", 90 * USEC_PER_SEC, "1min 30s" },
                { "1min 30s", 90 * USEC_PER_SEC, "1min 30s" },
                { "1min30s", 90 * USEC_PER_SEC, "1min 30s" },
                { "1m 30", 90 * USEC_PER_SEC, "1min 30s" },
                { "1.5h", 5400 * USEC_PER_SEC, "1h 30min" },
                { "500ms", 500000, "500ms" },
                { "2us", 2, "2us" },
                { "1 d", 86400 * USEC_PER_SEC, "1d" },
                { "2 weeks", 14 * 86400 * USEC_PER_SEC, "14d" },
                { "1M", 2629800 * USEC_PER_SEC, "30d 10h 30min" },
                { "infinity", USEC_INFINITY, "infinity" },
        };
        static const char *const bad[] = { "", "-1", "s", "1 parsec", "1min 30s x", "infinity 1s", "Infinity", "1..5s", "5 minutes ago", "1,5s", "1min -30s" };
        static const char *const large[] = { "99999999999999999999", "600000 years", "584542 years 100 years", "18446744073709551615us" };
        uint64_t v;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_free_ char *s = NULL;

                ck_assert_msg(parse_time_span(good[i].text, &v) == 0 && v == good[i].usec, "%s: %llu", good[i].text, (unsigned long long) v);
                ck_assert_int_eq(print_time_span(v, &s), 0);
                ck_assert_str_eq(s, good[i].printed);
                ck_assert_int_eq(parse_time_span(s, &v), 0);
                ck_assert(v == good[i].usec);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(parse_time_span(bad[i], &v) == -EINVAL, "%s", bad[i]);
        for (size_t i = 0; i < ELEMENTSOF(large); i++)
                ck_assert_msg(parse_time_span(large[i], &v) == -ERANGE, "%s", large[i]);
}
END_TEST

START_TEST(percentages) {
        static const struct {
                const char *text;
                uint64_t permyriad;
                const char *printed;
        } good[] = {
                { "0%", 0, "0%" }, { "50%", 5000, "50%" }, { "12.5%", 1250, "12.5%" }, { "0.01%", 1, "0.01%" }, { "12.345%", 1234, "12.34%" }, { "100%", 10000, "100%" },
        };
        static const char *const bad[] = { "", "%", "50", "-5%", "50%%", "50 percent", "5.%" };
        uint64_t v;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_free_ char *s = NULL;

                ck_assert_msg(parse_permyriad(good[i].text, 10000, &v) == 0 && v == good[i].permyriad, "%s", good[i].text);
                ck_assert_int_eq(print_permyriad(v, &s), 0);
                ck_assert_str_eq(s, good[i].printed);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(parse_permyriad(bad[i], 10000, &v) == -EINVAL, "%s", bad[i]);
        ck_assert_int_eq(parse_permyriad("100.01%", 10000, &v), -ERANGE);
        ck_assert_int_eq(parse_permyriad("99999999999999999999%", UINT64_MAX, &v), -ERANGE);
}
END_TEST

START_TEST(bit_lists) {
        static const struct {
                const char *text;
                uint8_t bytes[2];
                size_t size;
                const char *printed;
        } good[] = {
                { "0", { 0x01 }, 1, "0" },
                { "0-3", { 0x0f }, 1, "0-3" },
                { "0-3 6,8", { 0x4f, 0x01 }, 2, "0-3 6 8" },
                { "3,2,1,0", { 0x0f }, 1, "0-3" },
                { "15", { 0x00, 0x80 }, 2, "15" },
                { "7-8", { 0x80, 0x01 }, 2, "7-8" },
                { "1-1", { 0x02 }, 1, "1" },
        };
        static const char *const bad[] = { "", " ", "a", "-1", "1-", "3-1", "1-2-3", "1;2", "1 - 2", "0x1" };
        uint8_t *bits;
        size_t n;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_free_ char *s = NULL;

                ck_assert_msg(parse_bit_list(good[i].text, 16, &bits, &n) == 0, "%s", good[i].text);
                ck_assert_uint_eq(n, good[i].size);
                ck_assert_mem_eq(bits, good[i].bytes, n);
                ck_assert_int_eq(print_bit_list(bits, n, &s), 0);
                ck_assert_str_eq(s, good[i].printed);
                free(bits);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(parse_bit_list(bad[i], 16, &bits, &n) == -EINVAL, "%s", bad[i]);
        ck_assert_int_eq(parse_bit_list("16", 16, &bits, &n), -ERANGE);
        ck_assert_int_eq(parse_bit_list("0-99999999999999999999999", 16, &bits, &n), -ERANGE);
}
END_TEST

UNIT_TESTS("quantity", sizes, time_spans, percentages, bit_lists)
