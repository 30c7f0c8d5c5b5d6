/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* image.conf: what may be written into it, so that nothing written can read as something else. */

#include "worker/image-conf.h"

#include <fcntl.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "shared/image-yaml.h"
#include "worker/metadata.h"
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
        ck_assert_int_eq(image_conf_unset_property(&c, "o"), 0);
        ck_assert_uint_eq(strv_length(c.properties), 2);
        ck_assert_int_eq(image_conf_unset_property(&c, "os"), 0);
        ck_assert_uint_eq(strv_length(c.properties), 1);
        ck_assert_str_eq(c.properties[0], "os.x=other");
        ck_assert_int_eq(image_conf_set_property(&c, "os", "again"), 0);

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

/* What a change writes is all that was there. */
START_TEST(R33_read_back_whole) {
        char *directory = unit_make_directory();
        _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ImageConf c = { .fingerprint = "abc", .type = IMAGE_OCI, .owner = 1000, .public = true, .created_usec = 1, .uploaded_usec = 2, .expires_usec = 3,
                        .size_bytes = 4, .rootfs_bytes = 5, .dropped_devices = 6 }, d = {};

        ck_assert_ptr_nonnull(c.architecture = strdup("x86_64"));
        ck_assert_ptr_nonnull(c.description = strdup("a = b [Properties]"));
        ck_assert_int_eq(image_conf_set_property(&c, "Owner", "0=1"), 0);
        ck_assert_int_eq(strv_extend(&c.archives, "tar.xz"), 0);
        ck_assert_int_eq(strv_extend(&c.archives, "squashfs"), 0);
        ck_assert_int_eq(image_conf_replace(&c, fd), 0);
        ck_assert_int_eq(image_conf_read(fd, &d), 0);
        ck_assert_str_eq(d.fingerprint, "abc");
        ck_assert_int_eq(d.type, IMAGE_OCI);
        ck_assert_uint_eq(d.owner, 1000);
        ck_assert(d.public);
        ck_assert_uint_eq(d.created_usec * 100000 + d.uploaded_usec * 10000 + d.expires_usec * 1000 + d.size_bytes * 100 + d.rootfs_bytes * 10 + d.dropped_devices, 123456);
        ck_assert_str_eq(d.architecture, "x86_64");
        ck_assert_str_eq(d.description, "a = b [Properties]");
        ck_assert_uint_eq(strv_length(d.properties), 1);
        ck_assert_str_eq(d.properties[0], "Owner=0=1");
        ck_assert_uint_eq(strv_length(d.archives), 2);
        ck_assert_str_eq(d.archives[1], "squashfs");
        image_conf_done(&c);
        image_conf_done(&d);
        ck_assert_int_eq(path_remove_tree(AT_FDCWD, directory), 0);
        free(directory);
}
END_TEST

/* The text that people edit is read as it was meant, whatever the values are. */
START_TEST(R33_text) {
        static const char *const values[] = { "plain", "a: b", "\"quoted\" \\ 'x'", "# no comment", "[1, 2]", "yes", "", " space ", "\xc3\xa4", "{{ template }}", "two\nlines" };
        ImageTemplate template = { .path = (char *) "/etc/a b", .file = (char *) "a.tpl", .on_create = true, .on_start = true, .create_only = true };
        ImageTemplates templates = { &template, 1 };
        _cleanup_free_ char *text = NULL, *error = NULL;
        _cleanup_strv_ char **fields = NULL, **properties = NULL;

        for (size_t i = 0; i < ELEMENTSOF(values) - 1; i++)
                ck_assert_int_eq(strv_extendf(&properties, "k%zu=%s", i, values[i]), 0);
        ck_assert_int_eq(strv_extendf(&template.properties, "k=%s", values[ELEMENTSOF(values) - 1]), 0);
        ck_assert_int_eq(image_yaml_print(&(ImageYaml) { .architecture = "x86_64", .created_usec = 5 * USEC_PER_SEC, .properties = properties,
                                                         .templates = &templates, .public = 1 }, &text), 0);
        ck_assert_msg(metadata_parse(text, strlen(text), &fields, &error) == 0, "%s in: %s", error, text);
        ck_assert(strv_find(fields, "architecture=x86_64") && strv_find(fields, "creation-date=5") && strv_find(fields, "public=yes"));
        for (size_t i = 0; i < ELEMENTSOF(values) - 1; i++) {
                _cleanup_free_ char *field = NULL;

                ck_assert_int_gt(asprintf(&field, "property=k%zu=%s", i, values[i]), 0);
                ck_assert_msg(strv_find(fields, field) != NULL, "'%s' is not in what is read of: %s", field, text);
        }
        ck_assert(strv_find(fields, "template=path=/etc/a b") && strv_find(fields, "template=when=start") && strv_find(fields, "template=create-only=yes"));
        ck_assert(!strv_find(fields, "template=when=copy"));
        ck_assert(strv_find(fields, "template=property=k=two\nlines"));
        strv_free(template.properties);
}
END_TEST

UNIT_TESTS("image-conf", S85_properties, R23_written_and_read, R33_read_back_whole, R33_text)
