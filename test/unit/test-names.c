/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/names.h"

#include "unit.h"

#define LONG63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

START_TEST(containers) {
        static const char *const good[] = { "a", "web1", "0", "a-b", LONG63 };
        static const char *const bad[] = {
                "", "-x", "x-", "Web", "a.b", "a_b", "a/b", "..", ".", "%n", "a\nb", "a b", "a\x1b[31m", "\xc3\xa4", LONG63 "a", "web1@", "a\\x2d",
        };

        for (size_t i = 0; i < ELEMENTSOF(good); i++)
                ck_assert_msg(container_name_valid(good[i]), "%s", good[i]);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *sentence = NULL;

                ck_assert_msg(!container_name_valid(bad[i]), "%s", bad[i]);
                ck_assert_int_eq(container_name_explain(bad[i], &sentence), 0);
                ck_assert_ptr_null(strpbrk(sentence, "\n\x1b"));
        }
        ck_assert(!container_name_valid(NULL));
}
END_TEST

START_TEST(aliases) {
        static const char *const good[] = { "trixie", "lts/arm64", "foo-2.0", "C++", "debian/13/cloud" };
        static const char *const bad[] = { "", "/a", "a/", "a//b", "a/../b", "a/.", ".a", "a!b", "a b", "a\n", "-a", "\xc3\xa4", LONG63 LONG63 "aaa" };

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                _cleanup_free_ char *file = NULL, *back = NULL;

                ck_assert_msg(alias_valid(good[i]), "%s", good[i]);
                ck_assert_int_eq(alias_to_file_name(good[i], &file), 0);
                ck_assert_ptr_null(strchr(file, '/'));
                ck_assert_int_eq(alias_from_file_name(file, &back), 0);
                ck_assert_str_eq(back, good[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *file = NULL;

                ck_assert_msg(!alias_valid(bad[i]), "%s", bad[i]);
                ck_assert_int_eq(alias_to_file_name(bad[i], &file), -EINVAL);
        }
}
END_TEST

START_TEST(fingerprints) {
        ck_assert(fingerprint_prefix_valid("20bc7c"));
        ck_assert(!fingerprint_prefix_valid("") && !fingerprint_prefix_valid("20BC") && !fingerprint_prefix_valid("../1") && !fingerprint_prefix_valid("2%"));
        ck_assert(fingerprint_valid(LONG63 "0") && !fingerprint_valid(LONG63) && !fingerprint_valid(LONG63 "00"));
}
END_TEST

START_TEST(units) {
        static const char *const bad[] = { "berth@.service", "berth@A.service", "berth-.scope", "berth@web1.scope", "xberth@web1.service", "berth@" LONG63 "a.service",
                                           "berth@.scope", "berth-x", "", "berth@a/b.service" };
        char buffer[CONTAINER_NAME_MAX + 1];
        _cleanup_free_ char *service = NULL, *scope = NULL, *job = NULL;
        unsigned id = 0;

        ck_assert_int_eq(container_unit("web1", &service), 0);
        ck_assert_int_eq(container_scope("web1", &scope), 0);
        ck_assert_int_eq(job_unit(7, &job), 0);
        ck_assert_str_eq(container_from_unit(service, buffer), "web1");
        ck_assert_str_eq(container_from_unit(scope, buffer), "web1");
        ck_assert_int_eq(job_from_unit(job, &id), 0);
        ck_assert_uint_eq(id, 7);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(!container_from_unit(bad[i], buffer), "%s", bad[i]);
        ck_assert_int_eq(job_from_unit("berth-job-.service", &id), -EINVAL);
        ck_assert_int_eq(job_from_unit("berth-job-99999999999999999999999999.service", &id), -EINVAL);
        ck_assert_int_eq(job_from_unit("berth-job-1a.service", &id), -EINVAL);
}
END_TEST

UNIT_TESTS("names", containers, aliases, fingerprints, units)
