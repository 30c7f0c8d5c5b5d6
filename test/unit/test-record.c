/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The reader of berth's own small files takes what berth writes, and anything else without harm. */
#include "containerd/record.h"

#include "unit.h"

static int collect(const char *section, const char *key, const char *value, void *userdata) {
        return strv_extendf(userdata, "%s.%s=%s", section, key, value);
}

static int refuse(_unused_ const char *section, _unused_ const char *key, _unused_ const char *value, _unused_ void *userdata) {
        return -ENOANO;
}

START_TEST(walks) {
        char text[] = "# made by berth\n[Container]\nImage = abc\nDescription=a = b  \n\n; no\n[Properties]\nos=debian\r\nlast=";
        static const char *const expected[] = { "Container.Image=abc", "Container.Description=a = b", "Properties.os=debian", "Properties.last=" };
        _cleanup_strv_ char **fields = NULL;

        ck_assert_int_eq(record_walk(text, collect, &fields), 0);
        ck_assert_uint_eq(strv_length(fields), ELEMENTSOF(expected));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                ck_assert_str_eq(fields[i], expected[i]);
}
END_TEST

START_TEST(continued_lines_are_left_out) {
        char text[] = "[Exec]\nEnvironment=A=1 \\\n  Image=not \\\n  this\nUser=x\n";
        _cleanup_strv_ char **fields = NULL;

        ck_assert_int_eq(record_walk(text, collect, &fields), 0);
        ck_assert_uint_eq(strv_length(fields), 2);
        ck_assert_str_eq(fields[1], "Exec.User=x");
}
END_TEST

START_TEST(damage_is_told) {
        static const char *const bad[] = { "[Container\n", "nonsense\n", "=value\n", "[Container]\nImage\n" };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_free_ char *text = strdup(bad[i]);
                _cleanup_strv_ char **fields = NULL;

                ck_assert_int_eq(record_walk(text, collect, &fields), -EBADMSG);
        }
}
END_TEST

START_TEST(field_stops) {
        char text[] = "[A]\nb=c\nd=e\n";

        ck_assert_int_eq(record_walk(text, refuse, NULL), -ENOANO);
}
END_TEST

/* Any bytes: no crash, no answer but the known ones. */
START_TEST(noise) {
        static const char alphabet[] = "[]=#;\\\n\r\t aZ0\x01\xff";

        srand(1);
        for (unsigned i = 0; i < 20000; i++) {
                _cleanup_strv_ char **fields = NULL;
                char text[64];
                size_t n = (size_t) rand() % (sizeof text - 1);
                int r;

                for (size_t k = 0; k < n; k++)
                        text[k] = alphabet[(size_t) rand() % (sizeof alphabet - 1)];
                text[n] = 0;
                r = record_walk(text, collect, &fields);
                ck_assert(r == 0 || r == -EBADMSG);
        }
}
END_TEST

UNIT_TESTS("record", walks, continued_lines_are_left_out, damage_is_told, field_stops, noise)
