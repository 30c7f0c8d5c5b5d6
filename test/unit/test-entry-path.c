/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Names of archive entries: one form of each, none that leads out. */

#include "worker/entry-path.h"

#include "unit.h"

START_TEST(S54_normal_form) {
        static const char *const names[][2] = {
                { "a", "a" }, { "./a", "a" }, { "././/a", "a" }, { "a/", "a" }, { "a//b/./c///", "a/b/c" }, { ".", "" }, { "./", "" },
                { "...", "..." }, { "a/..b", "a/..b" }, { "..a", "..a" }, { "a/b.", "a/b." }, { "\n\x1b", "\n\x1b" },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char buffer[64];
                const char *problem = NULL;

                strcpy(buffer, names[i][0]);
                ck_assert_int_eq(entry_path_normalize(buffer, &problem), 0);
                ck_assert_str_eq(buffer, names[i][1]);
                ck_assert_int_eq(entry_path_normalize(buffer, &problem), 0);
                ck_assert_str_eq(buffer, names[i][1]);
        }
}
END_TEST

START_TEST(S54_refused) {
        static const char *const names[] = { "/", "/a", "//a", "..", "../a", "a/..", "a/../b", "./..", ".//../a", "a/../../b", "a/b/.." };
        char buffer[ENTRY_DEPTH_MAX * 4];
        const char *problem = NULL;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                strcpy(buffer, names[i]);
                problem = NULL;
                ck_assert_msg(entry_path_normalize(buffer, &problem) == -EINVAL, "%s", names[i]);
                ck_assert_ptr_nonnull(problem);
        }

        memset(buffer, 'a', 256);
        buffer[256] = 0;
        ck_assert_int_eq(entry_path_normalize(buffer, &problem), -EINVAL);
        buffer[255] = 0;
        ck_assert_int_eq(entry_path_normalize(buffer, &problem), 0);

        for (size_t i = 0; i < ENTRY_DEPTH_MAX + 1; i++)
                memcpy(buffer + i * 2, "a/", 3);
        ck_assert_int_eq(entry_path_normalize(buffer, &problem), -EINVAL);
        for (size_t i = 0; i < ENTRY_DEPTH_MAX; i++)
                memcpy(buffer + i * 2, "a/", 3);
        ck_assert_int_eq(entry_path_normalize(buffer, &problem), 0);
}
END_TEST

START_TEST(S59_dev) {
        ck_assert(entry_path_in_dev("dev/null"));
        ck_assert(entry_path_in_dev("rootfs/dev/pts/0"));
        ck_assert(!entry_path_in_dev("dev"));
        ck_assert(!entry_path_in_dev("device/null"));
        ck_assert(!entry_path_in_dev("usr/dev/null"));
        ck_assert(!entry_path_in_dev("templates/dev/null"));
}
END_TEST

UNIT_TESTS("entry-path", S54_normal_form, S54_refused, S59_dev)
