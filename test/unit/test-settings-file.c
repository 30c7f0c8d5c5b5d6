/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/settings.h"

#include "settings/device-file.h"
#include "settings/quote.h"
#include "settings/table.h"
#include "unit.h"

static SettingsFile *parse(const char *text) {
        SettingsFile *f = NULL;
        char *error = NULL;

        assert_ok(settings_file_parse("test.conf", text, &f, &error), error);
        return f;
}

static void assert_prints(const SettingsFile *f, const char *expected) {
        _cleanup_free_ char *text = NULL;

        ck_assert_int_eq(settings_file_print(f, &text), 0);
        ck_assert_str_eq(text, expected);
}

static void assert_value(const SettingsFile *f, const char *key, const char *expected) {
        _cleanup_free_ char *value = NULL, *error = NULL;
        int r = settings_file_get(f, key, &value, &error);

        if (expected) {
                ck_assert_msg(r == 0, "%s: %d %s", key, r, error ?: "");
                ck_assert_str_eq(value, expected);
        } else
                ck_assert_int_eq(r, -ENOENT);
}

START_TEST(comments_and_order_stay) {
        _cleanup_(settings_file_freep) SettingsFile *f = parse("# mine\n\n[Resource]\n# the limit\nMemoryMax=1G\nMemoryMax=2G\nTasksMax=9\n\n[Exec]\nHostname=a\n# end\n");
        char *error = NULL;

        assert_ok(settings_file_set(f, "limits.memory", "512MiB", &error), error);
        assert_ok(settings_file_set(f, "Resource.CPUWeight", "20", &error), error);
        assert_ok(settings_file_set(f, "After=db1", NULL, &error), error);
        assert_ok(settings_file_unset(f, "Hostname", &error), error);
        assert_prints(f, "# mine\n\n[Resource]\n# the limit\nMemoryMax=512M\nTasksMax=9\nCPUWeight=20\n\n[Exec]\n# end\n\n[Unit]\nAfter=berth@db1.service\n");
        assert_ok(settings_file_unset(f, "Hostname", &error), error);
        assert_value(f, "MemoryMax", "512M");
        assert_value(f, "limits.memory", "512M");
        assert_value(f, "Hostname", NULL);
        assert_ok(settings_file_check(f, &error), error);
}
END_TEST

START_TEST(a_new_file) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        char *error = NULL;

        ck_assert_int_eq(settings_file_new(&f), 0);
        ck_assert_int_eq(settings_file_set_internal(f, "UIDBase", "524288"), 0);
        ck_assert_int_eq(settings_file_set_internal(f, "Owner", "1000"), 0);
        ck_assert_int_eq(settings_file_set_internal(f, "UIDBase", "-1"), -EINVAL);
        assert_ok(settings_file_set(f, "Description", "  the front end ", &error), error);
        assert_ok(settings_file_set(f, "Init", "/bin/sh -c 'echo \"a  b\"' \\\\", &error), error);
        assert_prints(f, "[Container]\nUIDBase=524288\nOwner=1000\nDescription=the front end\n\n[Exec]\nInit=/bin/sh -c \"echo \\\"a  b\\\"\" \"\\\\\"\n");
        assert_ok(settings_file_check(f, &error), error);
        assert_value(f, "Container.UIDBase", "524288");
}
END_TEST

START_TEST(lists) {
        _cleanup_(settings_file_freep) SettingsFile *f = parse("[Exec]\nEnvironment=A=1 B=2\n\n[Unit]\nAfter=a.service\n");
        char *error = NULL;

        assert_ok(settings_file_append(f, "Environment", "\"C=x y\"", &error), error);
        assert_ok(settings_file_append(f, "After", "web2", &error), error);
        assert_value(f, "Environment", "A=1 B=2\n\"C=x y\"");
        assert_ok(settings_file_set(f, "environment.B", "it's \"new\" \\", &error), error);
        assert_value(f, "environment.B", "it's \"new\" \\");
        assert_value(f, "environment.A", "1");
        assert_value(f, "environment.D", NULL);
        assert_ok(settings_file_unset(f, "environment.A", &error), error);
        assert_ok(settings_file_unset(f, "environment.nothing", &error), error);
        assert_prints(f, "[Exec]\nEnvironment=\"B=it's \\\"new\\\" \\\\\"\nEnvironment=\"C=x y\"\n\n[Unit]\nAfter=a.service\nAfter=berth@web2.service\n");
        assert_ok(settings_file_set(f, "Environment", "", &error), error);
        assert_value(f, "Environment", NULL);
        assert_prints(f, "[Exec]\nEnvironment=\n\n[Unit]\nAfter=a.service\nAfter=berth@web2.service\n");

        assert_ok(settings_file_set(f, "SetCredential", "a.b:x\\ny\\\\", &error), error);
        assert_ok(settings_file_append(f, "SetCredential", "c:", &error), error);
        assert_value(f, "SetCredential", "a.b:x\\ny\\x5c\nc:");
        assert_ok(settings_file_check(f, &error), error);
        assert_refused(settings_file_append(f, "MemoryMax", "1G", &error), -EINVAL, error, "MemoryMax", "one value");
}
END_TEST

START_TEST(refusals_change_nothing) {
        static const struct {
                const char *key, *value, *a, *b;
        } bad[] = {
                { "MemoryMax", "lots", "MemoryMax", "'lots'" },
                { "limits.memory", "-1", "MemoryMax", "'-1'" },
                { "limits.cpu", "0", "limits.cpu", "'0'" },
                { "MemoryMx", "1G", "'MemoryMx'", "'MemoryMax'" },
                { "Hostname", "a\nInit=/bin/sh", "Hostname", "newline" },
                { "Description", "x\n[Resource]", "Description", "newline" },
                { "Description", "x\\", "Description", "backslash" },
                { "CapabilityBoundingSet", "CAP_KILL \\", "CapabilityBoundingSet", "escape" },
                { "environment.A-B", "x", "Environment", "'A-B=x'" },
                { "environment.A", "x\ny", "Environment", "control" },
                { "environment.A=B", "x\ny", "Environment", "control" },
                { "UIDBase", "0", "UIDBase", "kept by berth" },
                { "Owner=0", NULL, "Owner", "kept by berth" },
                { "Hostname", NULL, "Key=value", "" },
                { "After", "x.service\nExecStart=/bin/sh", "After", "newline" },
                { "After", "%i.service", "After", "'%i.service'" },
        };
        _cleanup_(settings_file_freep) SettingsFile *f = parse("[Container]\nOwner=1000\n[Resource]\nMemoryMax=1G\n");
        char *error = NULL, *value = NULL;

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                assert_refused(settings_file_set(f, bad[i].key, bad[i].value, &error), -EINVAL, error, bad[i].a, bad[i].b);
                assert_prints(f, "[Container]\nOwner=1000\n[Resource]\nMemoryMax=1G\n");
        }
        assert_refused(settings_file_unset(f, "Owner", &error), -EINVAL, error, "Owner", "kept by berth");
        assert_refused(settings_file_unset(f, "Nothing", &error), -EINVAL, error, "'Nothing'", "");
        assert_refused(settings_file_get(f, "Nothing", &value, &error), -EINVAL, error, "'Nothing'", "");
        assert_prints(f, "[Container]\nOwner=1000\n[Resource]\nMemoryMax=1G\n");
}
END_TEST

START_TEST(mistakes_name_file_and_line) {
        static const struct {
                const char *text, *a, *b;
        } bad[] = {
                { "[Resource]\n\nMemoryMax=lots\n", "test.conf:3: MemoryMax: 'lots'", "size" },
                { "[Resource]\nMemoryMx=1\n", "test.conf:2: ", "did you mean 'MemoryMax'" },
                { "[Resource]\nlimits.memory=1\n", "test.conf:2: ", "'limits.memory' is written 'MemoryMax='" },
                { "[Exec]\nMemoryMax=1\n", "test.conf:2: ", "section [Resource]" },
                { "[Nothing]\nFoo=1\n", "test.conf:2: ", "'Foo'" },
                { "[Exec]\nEnvironment=A=1\nEnvironment=\"B=\\\n 1\n", "test.conf:3: Environment", "not closed" },
        };

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(settings_file_freep) SettingsFile *f = parse(bad[i].text);
                char *error = NULL;

                assert_refused(settings_file_check(f, &error), -EBADMSG, error, bad[i].a, bad[i].b);
        }
}
END_TEST

START_TEST(any_bytes) {
        _cleanup_free_ char *large = malloc(SETTINGS_FILE_SIZE_MAX + 1);
        SettingsFile *f = NULL;
        char *error = NULL;

        assert_refused(settings_file_parse("a\nb", "x", &f, &error), -EBADMSG, error, "a\\x0ab:1: ", "neither");
        assert_refused(settings_file_parse_data("t", "[A]\n\0[B]\n", 9, &f, &error), -EBADMSG, error, "t: ", "NUL");
        memset(large, '\n', SETTINGS_FILE_SIZE_MAX + 1);
        assert_refused(settings_file_parse_data("t", large, SETTINGS_FILE_SIZE_MAX + 1, &f, &error), -EBADMSG, error, "t: ", "larger than 256 KiB");
        assert_ok(settings_file_parse_data("t", NULL, 0, &f, &error), error);
        settings_file_free(f);
}
END_TEST

START_TEST(no_more_than_can_be_read_again) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *value = malloc(30001), *text = NULL;
        char *error = NULL;
        unsigned n = 0;

        ck_assert_int_eq(settings_file_new(&f), 0);
        memcpy(value, "A=", 2);
        memset(value + 2, 'x', 30000 - 2);
        value[30000] = 0;
        for (; n < 100; n++) {
                value[0] = (char) ('A' + n);
                if (settings_file_append(f, "Environment", value, &error) < 0)
                        break;
        }
        ck_assert_uint_eq(n, 8);
        assert_refused(-EINVAL, -EINVAL, error, "Environment", "larger than 256 KiB");
        ck_assert_int_eq(settings_file_print(f, &text), 0);
        ck_assert(strlen(text) <= SETTINGS_FILE_SIZE_MAX);
}
END_TEST

START_TEST(too_many_entries) {
        _cleanup_free_ char *text = malloc(SETTINGS_LIST_MAX * 10);
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        char *error = NULL, *p = stpcpy(text, "[Exec]\nEnvironment=");

        for (unsigned i = 0; i < SETTINGS_LIST_MAX - 1; i++)
                p += sprintf(p, "K%u=1 ", i);
        f = parse(text);
        assert_ok(settings_file_append(f, "Environment", "L=1", &error), error);
        assert_refused(settings_file_append(f, "Environment", "M=1", &error), -EINVAL, error, "Environment", "more than 1024");
        assert_refused(settings_file_set(f, "environment.M", "1", &error), -EINVAL, error, "Environment", "more than 1024");
        assert_ok(settings_file_set(f, "environment.L", "2", &error), error);
        assert_ok(settings_file_check(f, &error), error);
}
END_TEST

/* Whatever is written is read back as it was, and is one line. */
START_TEST(what_is_set_is_what_is_read) {
        static const char *const values[] = {
                "plain", "two words", "#hash", ";semi", "[Section]", "a=b", "=", "\"", "'", "\\ x", "%n%i", "${HOME}", "$(id)", "\xc3\xa4\xe2\x82\xac", "../../etc", "a\\nb", "-",
        };

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL, *again = NULL;
                _cleanup_free_ char *text = NULL;
                char *error = NULL;

                ck_assert_int_eq(settings_file_new(&f), 0);
                assert_ok(settings_file_set(f, "Description", values[i], &error), error);
                assert_ok(settings_file_set(f, "environment.X", values[i], &error), error);
                ck_assert_int_eq(settings_file_print(f, &text), 0);
                again = parse(text);
                assert_ok(settings_file_check(again, &error), error);
                assert_value(again, "Description", values[i]);
                assert_value(again, "environment.X", values[i]);
                assert_prints(again, text);
        }
}
END_TEST

/* Whatever stands in one value, it is refused or stays that value: it adds no line, no key and no section, and the others are as they were. */
START_TEST(S85_S99_no_value_is_more_than_one_value) {
        static const char *const values[] = {
                "a\nPrivileged=yes", "a\r\nPrivileged=yes", "a\rPrivileged=yes", "\nPrivileged=yes", "a\n[Security]\nPrivileged=yes", "a\\\nPrivileged=yes",
                "a\\", "a \\", "\\\nPrivileged=yes", "\\nPrivileged=yes", "\\x0aPrivileged=yes", "a\vPrivileged=yes", "a\fPrivileged=yes", "\xe2\x80\xa8Privileged=yes",
                "\xc2\x85Privileged=yes", "[Security]", "]\n[Security", "Privileged=yes", "=yes", "# Privileged", "; Privileged", "\" Privileged=yes", "' Privileged=yes",
                "\"a\nPrivileged=yes\"", "$(touch /tmp/evil-canary)", "`touch /tmp/evil-canary`", "a;touch /tmp/evil-canary", "a|b", "a && b", "%n", "%i/../..", "%%",
                "../../../etc/shadow", "/../..", "a/../b", "\x1b[31m", "\xe2\x80\xae", "\xff\xfe", "\t", "-", "--force", "-oProxyCommand=x", "0\n0",
        };

        /* The control: put together as text, the first of them is a setting. */
        {
                _cleanup_(settings_file_freep) SettingsFile *naive = NULL;
                char text[256];

                snprintf(text, sizeof text, "[Security]\nAppArmorProfile=%s\n", values[0]);
                naive = parse(text);
                assert_value(naive, "Privileged", "yes");
        }

        for (size_t t = 0; t < n_settings_table; t++)
                for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                        _cleanup_(settings_file_freep) SettingsFile *f = NULL, *again = NULL;
                        _cleanup_free_ char *before = NULL, *text = NULL, *error = NULL, *got = NULL, *got_again = NULL;
                        const char *key = settings_table[t].name;
                        size_t lines = 0, lines_before = 0;
                        int r;

                        if (streq(key, "Privileged") || streq(key, "Description"))
                                continue;
                        ck_assert_int_eq(settings_file_new(&f), 0);
                        assert_ok(settings_file_set(f, "Description", "sentinel", &error), error);
                        ck_assert_int_eq(settings_file_print(f, &before), 0);
                        r = settings_file_set(f, key, values[i], &error);
                        ck_assert_int_eq(settings_file_print(f, &text), 0);
                        if (r < 0) {
                                ck_assert_msg(r == -EINVAL && error && text_is_plain(error) == 1, "%s, value %zu: %d %s", key, i, r, error ?: "");
                                ck_assert_str_eq(text, before);
                                continue;
                        }

                        again = parse(text);
                        assert_prints(again, text);
                        assert_value(again, "Description", "sentinel");
                        free(error);
                        error = NULL;
                        ck_assert_msg(settings_file_get(again, "Privileged", &got, &error) == -ENOENT, "%s, value %zu: %s", key, i, text);
                        free(error);
                        error = NULL;
                        ck_assert_int_eq(settings_file_get(f, key, &got, &error), settings_file_get(again, key, &got_again, &error));
                        ck_assert_str_eq(got ?: "", got_again ?: "");
                        /* A section's line, a line between two, and the value's own. */
                        for (const char *p = text; *p; p++)
                                lines += *p == '\n';
                        for (const char *p = before; *p; p++)
                                lines_before += *p == '\n';
                        ck_assert_msg(lines <= lines_before + 3, "%s, value %zu: %s", key, i, text);
                }
}
END_TEST

/* What changed between two files is told by key, however often a key stands there and wherever. */
START_TEST(what_changed) {
        _cleanup_(settings_file_freep) SettingsFile *a = parse("[Resource]\nMemoryMax=1G\nTasksMax=9\n\n[Exec]\nEnvironment=A=1\nEnvironment=B=2\n"),
                                                    *same = parse("[Exec]\n# first\nEnvironment=A=1\nEnvironment=B=2\n[Resource]\nTasksMax=9\nMemoryMax=1G\n"),
                                                    *b = parse("[Resource]\nMemoryMax=2G\nTasksMax=9\n[Exec]\nEnvironment=A=1\nHostname=x\n");
        char **keys = NULL;

        ck_assert_int_eq(settings_file_changed_keys(a, same, &keys), 0);
        ck_assert_ptr_null(keys);
        ck_assert_int_eq(settings_file_changed_keys(a, b, &keys), 0);
        ck_assert_uint_eq(strv_length(keys), 3);
        ck_assert(strv_find(keys, "Resource.MemoryMax") && strv_find(keys, "Exec.Environment") && strv_find(keys, "Exec.Hostname"));
        strv_free(keys);
}
END_TEST

/* What a user may take away again: devices that have nothing in them but what is his to set, or what he lent himself. */
START_TEST(whose_device) {
        _cleanup_(settings_file_freep) SettingsFile *f = parse("[Device eth0]\nType=nic\n\n[Device mine]\nType=disk\nSource=/home/ann\nPath=/srv\nSourceUID=1000\nSourceGID=1000\n\n"
                                                               "[Device host]\nType=disk\nSource=/etc\nPath=/srv\n");

        ck_assert(!settings_file_device_is_owners(f, "host", 1000));
        ck_assert(!settings_file_device_is_owners(f, "mine", 1001));
        ck_assert(settings_file_device_is_owners(f, "mine", 1000));
        ck_assert(settings_file_device_is_owners(f, "none", 1000));
}
END_TEST

UNIT_TESTS("settings-file", what_changed, whose_device, comments_and_order_stay, a_new_file, lists, refusals_change_nothing, mistakes_name_file_and_line, any_bytes,
           no_more_than_can_be_read_again, too_many_entries, what_is_set_is_what_is_read, S85_S99_no_value_is_more_than_one_value)
