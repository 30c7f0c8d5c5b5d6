/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* image.conf: what may be written into it, so that nothing written can read as something else. */

#include "worker/image-conf.h"

#include <fcntl.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "unit.h"

START_TEST(S85_properties) {
        static const char *const bad_keys[] = { "", "a b", "a=b", "a\nb", "[Image]", "\xc3\xa4", "a/b" };
        static const char *const bad_values[] = { "a\nFingerprint=b", "\x1b[31m", "\r", "\xff", "\xe2\x80\xae" };
        ImageConf c = {};

        for (size_t i = 0; i < ELEMENTSOF(bad_keys); i++)
                ck_assert_int_eq(image_conf_set_property(&c, bad_keys[i], "v"), -EINVAL);
        for (size_t i = 0; i < ELEMENTSOF(bad_values); i++)
                ck_assert_int_eq(image_conf_set_property(&c, "k", bad_values[i]), -EINVAL);
        ck_assert_ptr_null(c.properties);

        ck_assert_int_eq(image_conf_set_property(&c, "os", "debian"), 0);
        ck_assert_int_eq(image_conf_set_property(&c, "os.x", "other"), 0);
        ck_assert_int_eq(image_conf_set_property(&c, "os", "replaced = \xc3\xa4"), 0);
        ck_assert_uint_eq(strv_length(c.properties), 2);
        ck_assert_str_eq(c.properties[0], "os=replaced = \xc3\xa4");

        for (unsigned i = 0; i < IMAGE_PROPERTIES_MAX - 2; i++) {
                char key[32];

                snprintf(key, sizeof key, "k%u", i);
                ck_assert_int_eq(image_conf_set_property(&c, key, "v"), 0);
        }
        ck_assert_int_eq(image_conf_set_property(&c, "more", "v"), -E2BIG);
        image_conf_done(&c);
}
END_TEST

START_TEST(R23_written_and_read) {
        char *directory = unit_make_directory();
        _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_free_ char *value = NULL;
        ImageConf c = { .fingerprint = "abc", .type = IMAGE_SPLIT, .size_bytes = 5 };

        ck_assert_ptr_nonnull(c.architecture = strdup("x86_64"));
        ck_assert_int_eq(image_conf_set_property(&c, "Type", "no type"), 0);
        ck_assert_int_eq(image_conf_write(&c, fd), 0);
        image_conf_done(&c);

        ck_assert_int_eq(image_conf_read_key(fd, "Type", &value), 0);
        ck_assert_str_eq(value, "split");
        free(TAKE_PTR(value));
        ck_assert_int_eq(image_conf_read_key(fd, "Architecture", &value), 0);
        ck_assert_str_eq(value, "x86_64");
        free(TAKE_PTR(value));
        ck_assert_int_eq(image_conf_read_key(fd, "Description", &value), -ENOENT);

        ck_assert_int_eq(path_remove_tree(AT_FDCWD, directory), 0);
        free(directory);
}
END_TEST

UNIT_TESTS("image-conf", S85_properties, R23_written_and_read)
