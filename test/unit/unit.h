/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macro.h"
#include "basic/strv.h"

/* What every unit test shares: main() from a list of tests, a private directory, a check for "it failed and said why". */

#define UNIT_TESTS(suite_name, ...)                                                                     \
        int main(void) {                                                                                \
                const TTest *const tests[] = { __VA_ARGS__ };                                           \
                TCase *tc = tcase_create(suite_name);                                                   \
                Suite *s = suite_create(suite_name);                                                    \
                SRunner *sr;                                                                            \
                int n;                                                                                  \
                                                                                                        \
                tcase_set_timeout(tc, 120);                                                             \
                for (size_t i = 0; i < ELEMENTSOF(tests); i++)                                          \
                        tcase_add_test(tc, tests[i]);                                                   \
                suite_add_tcase(s, tc);                                                                 \
                sr = srunner_create(s);                                                                 \
                srunner_run_all(sr, CK_ENV);                                                            \
                n = srunner_ntests_failed(sr);                                                          \
                srunner_free(sr);                                                                       \
                return n > 0;                                                                           \
        }

/* A new directory below $TMPDIR; unit_remove_directory() removes it with all that is in it. */
static inline char *unit_make_directory(void) {
        char *path = NULL;

        ck_assert_int_ge(asprintf(&path, "%s/berth-unit-XXXXXX", getenv("TMPDIR") ?: "/tmp"), 0);
        ck_assert_ptr_nonnull(mkdtemp(path));
        return path;
}

/* A file in a directory below root, which is made. */
static inline void unit_write(const char *root, const char *directory, const char *name, const char *text) {
        char path[1024];
        FILE *f;

        ck_assert_int_lt(snprintf(path, sizeof path, "%s%s/%s", root, directory, name), (int) sizeof path);
        for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
                *p = 0;
                (void) mkdir(path, 0755);
                *p = '/';
        }
        f = fopen(path, "we");
        ck_assert_ptr_nonnull(f);
        ck_assert_int_ge(fputs(text, f), 0);
        ck_assert_int_eq(fclose(f), 0);
}

/* The call failed with this error and a sentence that has the two words in it; frees the sentence. */
#define assert_refused(call, expected, error, a, b)                                                             \
        do {                                                                                                    \
                int _r = (call);                                                                                \
                const char *_a = (a), *_b = (b);                                                                \
                                                                                                                \
                ck_assert_msg(_r == (expected), "%s gives %d, error: %s", #call, _r, (error) ?: "none");        \
                ck_assert_msg((error) && strstr((error), _a) && strstr((error), _b),                            \
                              "'%s' names not both '%s' and '%s'", (error) ?: "none", _a, _b);                  \
                free(error);                                                                                    \
                (error) = NULL;                                                                                 \
        } while (false)

#define assert_ok(call, error)                                                                                  \
        do {                                                                                                    \
                int _r = (call);                                                                                \
                                                                                                                \
                ck_assert_msg(_r >= 0, "%s gives %d, error: %s", #call, _r, (error) ?: "none");                 \
        } while (false)
