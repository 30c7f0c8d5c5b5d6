/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* metadata.yaml: what is taken, what is refused with which words, and mutations that must only not crash. test/evil has more, through import. */

#include "worker/metadata.h"

#include <fcntl.h>

#include "basic/fd.h"
#include "worker/job.h"
#include "unit.h"

#define GOOD                                                                                                    \
        "architecture: amd64\ncreation_date: 1424284563\nexpiry_date: 0\n"                                      \
        "properties:\n  description: 'Debian: 13'\n  os: debian\n  release: 22.04\n  empty: ~\n"                \
        "templates:\n  /etc/hosts:\n    when: [create, rename]\n    template: hosts.tpl\n    create_only: false\n    properties: {a: b}\n" \
        "other:\n  - [1, {2: 3}]\n"

START_TEST(R26_good) {
        static const char *const expected[] = {
                "architecture=x86_64", "creation-date=1424284563", "expiry-date=0", "property=description=Debian: 13", "property=os=debian",
                "property=release=22.04", "template=path=/etc/hosts", "template=file=hosts.tpl", "template=when=create", "template=when=rename",
                "template=property=a=b",
        };
        _cleanup_strv_ char **fields = NULL;
        _cleanup_free_ char *error = NULL;

        assert_ok(metadata_parse(GOOD, strlen(GOOD), &fields, &error), error);
        ck_assert_uint_eq(strv_length(fields), ELEMENTSOF(expected));
        for (size_t i = 0; i < ELEMENTSOF(expected); i++)
                ck_assert_str_eq(fields[i], expected[i]);
}
END_TEST

START_TEST(S68_each_field_retyped) {
        static const char *const keys[] = { "architecture", "creation_date", "expiry_date", "properties", "templates" };
        static const char *const values[] = { "[a]", "{a: {b: c}}", "\"text\"", "-1", "1e99", "99999999999999999999999", "[[]]", "true" };

        for (size_t k = 0; k < ELEMENTSOF(keys); k++)
                for (size_t v = 0; v < ELEMENTSOF(values); v++) {
                        _cleanup_strv_ char **fields = NULL;
                        _cleanup_free_ char *error = NULL;
                        char text[256];
                        int r;

                        snprintf(text, sizeof text, "%s%s: %s\n", k == 0 ? "" : "architecture: x86_64\n", keys[k], values[v]);
                        r = metadata_parse(text, strlen(text), &fields, &error);
                        if (k == 0 && (v == 2 || v == 3 || v == 4 || v == 5 || v == 7)) /* any short word is a name */
                                continue;
                        ck_assert_msg(r == -EBADMSG, "%s", text);
                        ck_assert_ptr_nonnull(error);
                        ck_assert_ptr_nonnull(strstr(error, "line"));
                }
}
END_TEST

START_TEST(S67_depth) {
        for (unsigned depth = METADATA_DEPTH_MAX - 3; depth < METADATA_DEPTH_MAX + 3; depth++) {
                _cleanup_strv_ char **fields = NULL;
                _cleanup_free_ char *error = NULL;
                char text[256] = "architecture: x86_64\nother: ";

                for (unsigned i = 0; i < depth; i++)
                        strcat(text, "[");
                for (unsigned i = 0; i < depth; i++)
                        strcat(text, "]");
                /* The map itself is the first level. */
                ck_assert_int_eq(metadata_parse(text, strlen(text), &fields, &error), depth + 1 <= METADATA_DEPTH_MAX ? 0 : -EBADMSG);
        }
}
END_TEST

START_TEST(S67_mutations) {
        static const char tokens[] = "&*!|>{}[]:-#\"'%@`,? \n\t~\\\x01\xff";
        unsigned seed = 1;

        for (unsigned i = 0; i < 20000; i++) {
                _cleanup_strv_ char **fields = NULL;
                _cleanup_free_ char *error = NULL;
                char text[] = GOOD;
                size_t size = strlen(text);
                int r;

                for (unsigned n = 1 + (unsigned) rand_r(&seed) % 4; n > 0; n--)
                        text[(size_t) rand_r(&seed) % size] = tokens[(size_t) rand_r(&seed) % (sizeof tokens - 1)];
                if (rand_r(&seed) % 4 == 0)
                        size = (size_t) rand_r(&seed) % size;
                r = metadata_parse(text, size, &fields, &error);
                ck_assert(r == 0 || r == -EBADMSG);
                ck_assert_msg(r == 0 || error, "no reason for %.*s", (int) size, text);
        }
}
END_TEST

/* The sandbox has less memory than a sanitizer's shadow takes. */
#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

/* Through the parser's process, from which nothing but fields comes back. */
START_TEST(R26_read) {
        static const char text[] = GOOD "public: true\n";
        _cleanup_close_ int scratch = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ImageConf c = {};
        Job j = {};

        if (SANITIZED)
                return;
        ck_assert_int_eq(metadata_read(&j, text, sizeof text - 1, scratch, &c), 0);
        ck_assert_str_eq(c.architecture, "x86_64");
        ck_assert_uint_eq(c.created_usec, 1424284563 * USEC_PER_SEC);
        ck_assert_str_eq(c.description, "Debian: 13");
        ck_assert(c.public && strv_find(c.properties, "os=debian") && c.templates.n == 1);
        image_conf_done(&c);
        c = (ImageConf) {};
        ck_assert_int_lt(metadata_read(&j, "architecture: [", 15, scratch, &c), 0);
        ck_assert_ptr_nonnull(strstr(j.failure.text, "metadata.yaml is not"));
        ck_assert_ptr_null(c.architecture);
}
END_TEST

UNIT_TESTS("metadata", R26_read, R26_good, S68_each_field_retyped, S67_depth, S67_mutations)
