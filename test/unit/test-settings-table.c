/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/table.h"

#include <ctype.h>
#include <sys/capability.h>

#include "settings/ini.h"
#include "settings/lxd.h"
#include "shared/names.h"
#include "unit.h"

#define FOREACH_SETTING(t) for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)

/* Values that are wrong for a type, beside those that are wrong for all. Every type has a row. */
static const struct {
        const SettingType *type;
        const char *values[12];
} bad_values[] = {
        { &setting_type_string, { "ends in \\" } },
        { &setting_type_bool, { "2", "-1", "maybe", "yes no", "99999999999999999999" } },
        { &setting_type_u32, { "-1", "4294967295", "99999999999999999999", "1.5", "5 parsecs", "0x10", "1K" } },
        { &setting_type_u64, { "-1", "18446744073709551616", "1.5", "5 parsecs", "0x10" } },
        { &setting_type_fingerprint, { "abc", "../../../../../../../../../../../../../../../../../../../../../x", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855" } },
        { &setting_type_uuid, { "-1", "6a0f0f0e7f0b4f6e9b0e0d2e4b7c1a55", "6a0f0f0e-7f0b-4f6e-9b0e-0d2e4b7c1a5g", "6a0f0f0e-7f0b-4f6e-9b0e-0d2e4b7c1a5" } },
        { &setting_type_identifier, { "a b", "a/b", "a%n" } },
        { &setting_type_time_span, { "-1", "5 parsecs", "99999999999999999999", "1min -3s", "forever" } },
        { &setting_type_command, { "sh -c x", "\"\"", "/bin/sh \"open", "/bin/sh \\q" } },
        { &setting_type_hook, { "sh -c x", "\"\"", "/bin/sh \"open", "/bin/sh \\q" } },
        { &setting_type_environment, { "A", "=x", "1A=x", "A-B=x", "A=x B", "A=\"open", "A=a\\nB", "A=\\x1b[31m" } },
        { &setting_type_credentials, { "novalue", ":x", "../x:y", "a/b:y", ".x:y", "a b:c", "a:\\q", "a:\\x00" } },
        { &setting_type_hostname, { "-a", "a-", "a..b", ".a", "a.", "a_b", "a b", "a/b", "%h", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" } },
        { &setting_type_path, { "relative", "-1", "/a/../b", "/..", "../x", "/a\\" } },
        { &setting_type_user, { "-1", "65534", "99999999999999999999", ":a", "a:", "a:b:c", "a:65534", "a b", "a/b", "%u" } },
        { &setting_type_signal, { "-1", "0", "65", "99999999999999999999", "SIGFOO", "sigterm", "SIGRTMIN+31", "RTMIN+", "SIGSIGTERM" } },
        { &setting_type_notify_ready, { "2", "Auto", "-1" } },
        { &setting_type_id_base, { "-1", "0", "65536", "524289", "1878982657", "1879048192", "99999999999999999999", "1e6" } },
        { &setting_type_modules, { "../overlay", "overlay.ko", "a@b", "-r", "nf nat/x", "a\\x2d", "%i", "overlay;reboot", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },
        { &setting_type_capabilities, { "CAP_FOO", "21", "NET_ADMIN", "CAP_KILL,CAP_CHOWN", "CAP_64", "~CAP_X", "+CAP_KILL" } },
        { &setting_type_memory, { "-1", "-1M", "5 parsecs", "16E", "99999999999999999999", "101%", "-5%", "1M2", "Infinity", "M" } },
        { &setting_type_tasks, { "0", "-1", "0%", "101%", "1K", "4294967296", "99999999999999999999", "5 parsecs" } },
        { &setting_type_weight, { "0", "10001", "-1", "idle", "50%", "99999999999999999999", "5 parsecs" } },
        { &setting_type_cpu_weight, { "0", "10001", "-1", "Idle", "50%", "99999999999999999999" } },
        { &setting_type_quota, { "0%", "50", "-50%", "99999999999%", "99999999999999999999%", "2 CPUs" } },
        { &setting_type_bits, { "-1", "8192", "3-1", "0-99999999999999999999", "a", "0-", "1;2" } },
        { &setting_type_profiles, { "../x", "a/b", "-a", ".a", "a a", ",", "a b;c" } },
        { &setting_type_layers, { "0123", "0123456789abcdef0123456789abcdeF", "0123456789abcdef0123456789abcdef,", "../../../../../../../../../etc/a",
                                  "0123456789abcdef0123456789abcdef 0123456789abcdef0123456789abcdef" } },
        { &setting_type_metadata, { "A", "=x", "a b=c", "a/b=c", "A=\"open" } },
        { &setting_type_property_choice, { "-1", "Auto", "yes", "auto kill" } },
        { &setting_type_property_bool, { "2", "-1", "maybe" } },
        { &setting_type_period, { "0", "-1", "999us", "1001ms", "infinity", "5 parsecs", "99999999999999999999" } },
        { &setting_type_pressure, { "101%", "-1%", "5", "99999999999999999999%" } },
        { &setting_type_disk_weight, { "/dev/sda", "sda 5", "/dev/sda 0", "/dev/sda 10001", "/dev/../x 5", "/dev/sda -1", "/a 1 /b", "\"/a b\" 1" } },
        { &setting_type_disk_rate, { "/dev/sda", "sda 5M", "/dev/sda 0", "/dev/sda -1", "/dev/sda 5 parsecs", "/dev/sda 99999999999999999999", "/dev//sda 5M" } },
        { &setting_type_disk_latency, { "/dev/sda", "/dev/sda 0", "/dev/sda infinity", "/dev/sda -1ms", "/dev/sda 5parsecs" } },
        { &setting_type_addresses, { "-1", "10.0.0.0/33", "::/129", "10.0.0", "example.org", "10.0.0.1/-1", "%eth0", "fe80::1%eth0" } },
        { &setting_type_rlimit, { "-1", "1:2:3", "5:4", ":", "5:", "1.5", "99999999999999999999", "5 parsecs", "infinity:5" } },
        { &setting_type_rlimit_size, { "-1", "5 parsecs", "2M:1M", "99999999999999999999", "16E" } },
        { &setting_type_rlimit_seconds, { "-1", "5 parsecs", "90:60", "99999999999999999999" } },
        { &setting_type_rlimit_usec, { "-1", "5 parsecs", "90:60", "99999999999999999999" } },
        { &setting_type_integer, { "-1001", "2147483648", "99999999999999999999", "1.5", "+1", "x", "5 parsecs" } },
        { &setting_type_mask, { "8", "-1", "1000", "0o27", "00022" } },
        { &setting_type_choice, { "-1", "Soft", "0", "idle idle" } },
        { &setting_type_syscall_filter, { "bpff", "~bpff", "~", "~~bpf", "bpf:EPERM", "~bpf:0", "~bpf:4096", "~bpf:EFOO", "~bpf:", "@nogroup", "-1", "~bpf bpf," } },
        { &setting_type_profile_name, { "a b", "a\\", "\"a\"" } },
        { &setting_type_filesystems, { "tmpfs", "ext4 proc", "Ext4", "-1", ",", "ext4;xfs", "overlay" } },
        { &setting_type_raw_apparmor, { "deny /srv/** w, \\", "deny /srv/** w", "-7" } },
        { &setting_type_raw_seccomp, { "bpff", "-1", "65536", "bpf errno", "bpf errno 4096", "bpf notify", "bpf maybe", "[vax]", "bpf errno 1 [6,1,SCMP_CMP_EQ]",
                                       "bpf kill [0,1]", "denylist maybe", "allowlist kill x" } },
        { &setting_type_unit_choice, { "-1", "yes", "Always", "no always" } },
        { &setting_type_unit_time, { "-1", "5 parsecs", "99999999999999999999", "forever" } },
        { &setting_type_unit_count, { "-1", "4294967296", "99999999999999999999", "1.5" } },
        { &setting_type_unit_raw, { "LogLevelMax=info", "Install.WantedBy=x", "Service.=x", "Service.A B=x", "Service.X", "Service.X=y\\", "Mount.What=x" } },
        { &setting_type_units, { "a.servic", "%n.service", "a b.c", ".service", "@x.service", "a@.service", "../x.service", "a.service\\", "Upper", "-x", "\"a.service\"", "a\\x2.service" } },
        { &setting_type_slice, { "a.service", "a", "../x.slice", ".slice", "a b.slice", "%n.slice", "a\\.slice" } },
        { &setting_type_load_credentials, { ":x", "x:", "x:y", "../x:/y", ".x", "a b", "x:/a/../b", "x:/..", "x:/a\\" } },
        { &setting_type_calendar, { "often", "5 parsecs", "*:*:*", "25:00", "Mon-", "2026", "10", "*:*/5", "*-*~1-2", "%n", "@0", "10:00 Mon" } },
        { &setting_type_snapshot_pattern, { "a/b", "../x", "-a", "%n", "%", "a%", "%i%i", "a b", "snap%d%", ".x",
                                            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" } },
        { &setting_type_mounts, { "relative", "/a/../b", "/..", "/%n", "/a\\nb", "\"/a b\"", "/a'b" } },
};

static const char *example(const Setting *t) {
        return t->example ?: t->type->example;
}

static Settings *fresh(void) {
        Settings *s;

        ck_assert_int_eq(settings_new(&s), 0);
        return s;
}

static char *print(const Setting *t, const Settings *s) {
        char *text = NULL;
        int r = t->type->print(t, s, &text);

        ck_assert(r == 0 || r == -ENODATA);
        return r < 0 ? NULL : text;
}

/* A percentage is given as another property, which not all of them have. */
START_TEST(percentages) {
        FOREACH_SETTING(t) {
                _cleanup_(settings_freep) Settings *s = fresh();
                _cleanup_free_ char *reason = NULL;
                int r;

                if (t->type != &setting_type_memory)
                        continue;
                r = setting_apply(t, s, "60%", false, &reason);
                ck_assert_msg(t->property_scale ? r == 0 : r == -EINVAL, "%s: %d", t->name, r);
        }
}
END_TEST

START_TEST(sorted_and_whole) {
        FOREACH_SETTING(t) {
                ck_assert_msg(isupper(t->name[0]) && strspn(t->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") == strlen(t->name), "%s", t->name);
                ck_assert_msg(t->section && t->type && t->type->apply && t->type->print && t->type->clear && t->help && !strchr(t->help, '\n'), "%s", t->name);
                ck_assert_msg(t->type->name && t->type->expects && example(t), "%s", t->name);
                ck_assert_msg(!t->choices || setting_has_choice(t, example(t)), "%s", t->name);
                ck_assert_msg((size_t) t->offset < sizeof(Settings), "%s", t->name);
                ck_assert(setting_when_to_string(t->when) && setting_who_to_string(t->who));
                ck_assert_msg((t->who == SETTING_BERTH) == (streq(t->section, "Container") && !streq(t->name, "Description") && !streq(t->name, "KeyFile") && !streq(t->name, "Metadata") && !streq(t->name, "Profiles") && !streq(t->name, "ProtectDelete") && !startswith(t->name, "Snapshot")), "%s", t->name);
                if (t > settings_table) {
                        int c = strcmp(t[-1].section, t->section);

                        ck_assert_msg(c < 0 || (c == 0 && strcmp(t[-1].name, t->name) < 0), "'%s' is not behind '%s'", t->name, t[-1].name);
                }
                /* A name means one setting, whichever section it is in, and no name is another's LXD name. */
                FOREACH_SETTING(u)
                        ck_assert_msg(u == t || (!streq(u->name, t->name) && !streq_ptr(u->name, t->lxd) && (!t->lxd || !streq_ptr(u->lxd, t->lxd))), "%s", t->name);
        }
}
END_TEST

/* set, get and clear of every row, and what is printed reads back as the same. */
START_TEST(every_row_works) {
        FOREACH_SETTING(t) {
                _cleanup_(settings_freep) Settings *s = fresh(), *other = fresh();
                _cleanup_free_ char *before = print(t, s), *set = NULL, *again = NULL, *after = NULL, *other_before = NULL, *other_after = NULL;
                const Setting *neighbour = t == settings_table ? t + 1 : t - 1;
                char *error = NULL;

                assert_ok(setting_apply(neighbour, s, example(neighbour), false, &error), error);
                other_before = print(neighbour, s);

                assert_ok(setting_apply(t, s, example(t), false, &error), error);
                set = print(t, s);
                ck_assert_msg(set && !streq_ptr(before, set), "%s: '%s' changed nothing", t->name, example(t));
                ck_assert_msg(ini_value_fits(set), "%s: %s", t->name, set);

                ck_assert_msg(setting_differs(t, s, other) > 0, "%s: is the same with '%s' and without", t->name, set);
                assert_ok(setting_apply(t, other, set, false, &error), error);
                ck_assert_msg(setting_differs(t, s, other) == 0, "%s: '%s' differs from itself", t->name, set);
                again = print(t, other);
                ck_assert_str_eq(again, set);

                assert_ok(setting_apply(t, s, "", true, &error), error);
                after = print(t, s);
                ck_assert_msg(streq_ptr(before, after), "%s: not as before after a reset: %s, %s", t->name, before, after);

                other_after = print(neighbour, s);
                ck_assert_msg(streq_ptr(other_before, other_after), "%s changes %s", t->name, neighbour->name);
        }
}
END_TEST

START_TEST(every_row_is_found) {
        FOREACH_SETTING(t) {
                const char *keys[] = { t->name, t->lxd, NULL }, *subkey = "";
                _cleanup_free_ char *full = NULL, *lower = strdup(t->name);
                const Setting *found = NULL;
                char *error = NULL;

                ck_assert_int_ge(asprintf(&full, "%s.%s", t->section, t->name), 0);
                keys[2] = full;
                for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                        if (!keys[i] || strchr(keys[i], '*'))
                                continue;
                        assert_ok(setting_find(keys[i], &found, &subkey, &error), error);
                        ck_assert_ptr_eq(found, t);
                        ck_assert_ptr_null(subkey);
                        ck_assert_int_eq(settings_key_is_owner_settable(keys[i]), t->who == SETTING_OWNER);
                }
                assert_ok(setting_find_in_section(t->section, t->name, &found, &error), error);
                ck_assert_ptr_eq(found, t);

                for (char *p = lower; *p; p++)
                        *p = (char) tolower(*p);
                assert_refused(setting_find(lower, &found, NULL, &error), -ENOENT, error, "did you mean", t->name);
                assert_refused(setting_find_in_section("Other", t->name, &found, &error), -ENOENT, error, t->name, t->section);
        }
}
END_TEST

START_TEST(unknown_keys) {
        static const char *const nothing[] = { "", "=", "x", "Resource.", ".MemoryMax", "Exec.MemoryMax", "a\nb", "\x1b]0;x\a", "environment.", "environment", "%s%n" };
        const Setting *t;
        char *error = NULL, *many = malloc(100001);

        assert_refused(setting_find("MemoryMx", &t, NULL, &error), -ENOENT, error, "'MemoryMx'", "'MemoryMax'");
        assert_refused(setting_find("Resource.MemMax", &t, NULL, &error), -ENOENT, error, "'Resource.MemMax'", "'MemoryMax'");
        assert_refused(setting_find("limit.memory", &t, NULL, &error), -ENOENT, error, "'limit.memory'", "'limits.memory'");
        assert_refused(setting_find_in_section("Resource", "limits.memory", &t, &error), -ENOENT, error, "'limits.memory'", "'MemoryMax='");
        for (size_t i = 0; i < ELEMENTSOF(nothing); i++) {
                assert_refused(setting_find(nothing[i], &t, NULL, &error), -ENOENT, error, "There is no setting", "");
                ck_assert_int_eq(settings_key_is_owner_settable(nothing[i]), -EINVAL);
        }
        memset(many, 'M', 100000);
        many[100000] = 0;
        assert_refused(setting_find(many, &t, NULL, &error), -ENOENT, error, "MMM", "...");
        free(many);
}
END_TEST

START_TEST(bad_values_are_refused) {
        static const char *const always[] = { "a\nInit=/bin/sh", "\n", "a\x01", "a\x1b[31m", "\xff\xfe", "a\xe2\x80\xae", "a\r", "a\tb" };
        _cleanup_free_ char *huge = malloc(70001);

        memset(huge, '7', 70000);
        huge[70000] = 0;

        FOREACH_SETTING(t) {
                size_t i;

                for (i = 0; i < ELEMENTSOF(bad_values); i++)
                        if (bad_values[i].type == t->type)
                                break;
                ck_assert_msg(i < ELEMENTSOF(bad_values), "no bad values for type '%s' of %s", t->type->name, t->name);

                for (size_t j = 0; j < ELEMENTSOF(always) + 1 + ELEMENTSOF(bad_values[i].values); j++) {
                        _cleanup_(settings_freep) Settings *s = fresh();
                        const char *value = j < ELEMENTSOF(always)    ? always[j] :
                                            j == ELEMENTSOF(always)   ? huge :
                                                                        bad_values[i].values[j - ELEMENTSOF(always) - 1];
                        _cleanup_free_ char *shown = NULL;
                        char *error = NULL;

                        if (!value)
                                continue;
                        ck_assert_int_eq(string_escape(value, &shown), 0);
                        if (strlen(shown) > 77)
                                shown[77] = 0;
                        ck_assert_msg(setting_apply(t, s, value, false, &error) == -EINVAL, "%s takes '%s'", t->name, shown);
                        assert_refused(-EINVAL, -EINVAL, error, t->name, shown);
                }
        }
}
END_TEST

START_TEST(properties) {
        static const struct {
                const char *key, *value, *name, *type;
                uint64_t number;
        } cases[] = {
                { "MemoryMax", "512M", "MemoryMax", "t", 512ULL << 20 },
                { "MemoryMax", "infinity", "MemoryMax", "t", UINT64_MAX },
                { "MemoryMax", "50%", "MemoryMaxScale", "u", 2147483648 },
                { "MemoryMax", "100%", "MemoryMaxScale", "u", UINT32_MAX },
                { "MemorySwapMax", "0", "MemorySwapMax", "t", 0 },
                { "TasksMax", "500", "TasksMax", "t", 500 },
                { "TasksMax", "10%", "TasksMaxScale", "u", 429496730 },
                { "CPUQuota", "150%", "CPUQuotaPerSecUSec", "t", 1500000 },
                { "CPUQuota", "infinity", "CPUQuotaPerSecUSec", "t", UINT64_MAX },
                { "CPUWeight", "idle", "CPUWeight", "t", 0 },
                { "IOWeight", "10000", "IOWeight", "t", 10000 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(settings_freep) Settings *s = fresh();
                const Setting *t;
                char *error = NULL;

                assert_ok(setting_find(cases[i].key, &t, NULL, &error), error);
                /* The other form of the same property must not stay beside it. */
                if (t->property_scale) {
                        assert_ok(setting_apply(t, s, "7%", false, &error), error);
                        assert_ok(setting_apply(t, s, "7", true, &error), error);
                }
                assert_ok(setting_apply(t, s, cases[i].value, true, &error), error);
                ck_assert_uint_eq(s->n_unit_properties, 1);
                ck_assert_str_eq(s->unit_properties[0].name, cases[i].name);
                ck_assert_str_eq(s->unit_properties[0].type, cases[i].type);
                ck_assert_msg(s->unit_properties[0].number == cases[i].number, "%s=%s: %llu", cases[i].key, cases[i].value,
                              (unsigned long long) s->unit_properties[0].number);
        }
}
END_TEST

#define CAP(c) (UINT64_C(1) << (c))

START_TEST(capabilities) {
        _cleanup_(settings_freep) Settings *s = fresh();
        uint64_t usual = s->capabilities;
        const Setting *t;
        char *error = NULL;

        assert_ok(setting_find("CapabilityBoundingSet", &t, NULL, &error), error);
        ck_assert(usual & CAP(CAP_SYS_ADMIN) && usual & CAP(CAP_NET_ADMIN));
        ck_assert(!(usual & (CAP(CAP_SYS_MODULE) | CAP(CAP_SYS_RAWIO) | CAP(CAP_SYS_TIME) | CAP(CAP_MAC_ADMIN) | CAP(CAP_SYSLOG) | CAP(CAP_BPF))));

        assert_ok(setting_apply(t, s, "~CAP_SYS_PTRACE cap_mknod", false, &error), error);
        ck_assert(s->capabilities == (usual & ~(CAP(CAP_SYS_PTRACE) | CAP(CAP_MKNOD))));
        assert_ok(setting_apply(t, s, "", true, &error), error);
        ck_assert(s->capabilities == usual);
        assert_ok(setting_apply(t, s, "CAP_KILL", false, &error), error);
        ck_assert(s->capabilities == CAP(CAP_KILL));
        assert_ok(setting_apply(t, s, "CAP_CHOWN", true, &error), error);
        ck_assert(s->capabilities == (CAP(CAP_KILL) | CAP(CAP_CHOWN)));
        assert_ok(setting_apply(t, s, "~CAP_KILL", true, &error), error);
        ck_assert(s->capabilities == CAP(CAP_CHOWN));
        assert_ok(setting_apply(t, s, "~", true, &error), error);
        ck_assert(s->capabilities == 0);
}
END_TEST

START_TEST(dependencies) {
        _cleanup_(settings_freep) Settings *s = fresh();
        _cleanup_free_ char *all = NULL;
        const Setting *t;
        char *error = NULL;

        assert_ok(setting_find("After", &t, NULL, &error), error);
        assert_ok(setting_apply(t, s, "db1 postgresql@14-main.service dev-disk-by\\x2dlabel-x.device db1", false, &error), error);
        assert_ok(setting_find("RequiresMountsFor", &t, NULL, &error), error);
        assert_ok(setting_apply(t, s, "/srv/a /srv/b", false, &error), error);
        ck_assert_int_eq(strv_join(s->unit_dependencies, "|", &all), 0);
        ck_assert_str_eq(all, "After=berth@db1.service|After=postgresql@14-main.service|After=dev-disk-by\\x2dlabel-x.device|"
                              "RequiresMountsFor=/srv/a|RequiresMountsFor=/srv/b");
}
END_TEST

/* The settings do not depend on the rule for names in shared/, and must not differ from it. */
START_TEST(container_names) {
        static const char *const names[] = { "a", "web1", "-x", "x-", "Web", "a_b", "%n", "0", "a-b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                                             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };
        const Setting *t;

        ck_assert_int_eq(setting_find("After", &t, NULL, NULL), 0);
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                _cleanup_(settings_freep) Settings *s = fresh();
                _cleanup_free_ char *error = NULL;

                ck_assert_msg((setting_apply(t, s, names[i], false, &error) >= 0) == container_name_valid(names[i]), "%s", names[i]);
        }
}
END_TEST

/* LXD's keys that are translated: each example is taken, and what it stands for belongs to the same people. */
/* To deny is the owner's, to allow is not, in whichever form. */
START_TEST(who_may_filter) {
        static const struct {
                const char *key, *value;
                int owner;
        } cases[] = {
                { "SystemCallFilter", "~bpf", 1 },   { "SystemCallFilter", "bpf", 0 },         { "SystemCallFilter", " ~bpf", 0 },
                { "SystemCallFilter", NULL, 1 },     { "SystemCallFilter", "", 1 },            { "Security.SystemCallFilter", "@mount", 0 },
                { "seccomp.deny", "bpf", 1 },        { "seccomp.allow", "bpf", 0 },            { "seccomp.deny", NULL, 1 },
                { "security.syscalls.deny", "a", 1 }, { "security.syscalls.allow", "read", 0 }, { "security.syscalls.deny_default", "false", 0 },
                { "security.syscalls.deny_compat", "true", 1 }, { "raw.seccomp", "2\nallowlist", 0 }, { "RawSeccomp", "2", 0 }, { "SystemCallPolicy", "deny", 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_msg(settings_assignment_is_owner_settable(cases[i].key, cases[i].value) == cases[i].owner, "%s=%s", cases[i].key, cases[i].value);
        ck_assert_int_eq(settings_line_is_owner_settable("Security", "SystemCallFilter", "bpf"), 0);
        ck_assert_int_eq(settings_line_is_owner_settable("Security", "SystemCallFilter", "~bpf"), 1);
}
END_TEST

START_TEST(lxd_keys_work) {
        static const struct {
                const char *key, *value, *file;
        } cases[] = {
                { "limits.cpu", "2", "[Resource]\nCPUCount=2\n" },
                { "limits.cpu", "0-1", "[Resource]\nAllowedCPUs=0-1\n" },
                { "limits.cpu", "2-2", "[Resource]\nAllowedCPUs=2\n" },
                { "limits.cpu.allowance", "50%", "[Resource]\nCPUWeight=50\n" },
                { "limits.cpu.allowance", "25ms/100ms", "[Resource]\nCPUQuota=25%\nCPUQuotaPeriodSec=100ms\n" },
                { "limits.cpu.allowance", "10ms/100ms", "[Resource]\nCPUQuota=10%\nCPUQuotaPeriodSec=100ms\n" },
                { "limits.cpu.priority", "10", "[Resource]\nCPUWeight=100\n" },
                { "limits.disk.priority", "5", "[Resource]\nIOWeight=100\n" },
                { "limits.memory", "512MiB", "[Resource]\nMemoryMax=512M\n" },
                { "limits.memory.swap", "false", "[Resource]\nMemorySwapMax=0\n" },
                { "limits.memory.swap", "1GiB", "[Resource]\nMemorySwapMax=1G\n" },
                { "limits.memory.enforce", "soft", "[Resource]\nMemoryEnforce=soft\n" },
                { "limits.processes", "500", "[Resource]\nTasksMax=500\n" },
                { "limits.kernel.nofile", "1000:2000", "[Exec]\nLimitNOFILE=1000:2000\n" },
                { "limits.kernel.core", "unlimited", "[Exec]\nLimitCORE=infinity\n" },
                { "security.idmap.size", "131072", "[Security]\nIDMapSize=131072\n" },
                { "security.idmap.base", "1310720", "[Security]\nIDMapBase=1310720\n" },
                { "security.nesting", "true", "[Security]\nNesting=yes\n" },
                { "security.privileged", "true", "[Security]\nPrivileged=yes\n" },
                { "linux.kernel_modules", "overlay,nf_nat", "[Security]\nKernelModules=overlay nf_nat\n" },
                { "boot.autostart", "true", "[Unit]\nAutostart=yes\n" },
                { "boot.autostart.priority", "7", "[Unit]\nAutostartPriority=7\n" },
                { "environment.A", "b c", "[Exec]\nEnvironment=\"A=b c\"\n" },
                { "user.note", "a b\nc", "[Container]\nMetadata=\"note=a b\\nc\"\n" },
                { "raw.unit", "Service.Nice=5", "[Unit]\nRawUnit=Service.Nice=5\n" },
                { "raw.seccomp", "2\n# nothing\n\ndenylist\n[all]\nmknod errno 1\nioctl errno 5 [1,0x5412,SCMP_CMP_EQ]\n",
                  "[Security]\nRawSeccomp=2\nRawSeccomp=denylist\nRawSeccomp=[all]\nRawSeccomp=mknod errno 1\nRawSeccomp=ioctl errno 5 [1,0x5412,SCMP_CMP_EQ]\n" },
                { "raw.seccomp", "1\nwhitelist\n3\n4", "[Security]\nRawSeccomp=1\nRawSeccomp=whitelist\nRawSeccomp=3\nRawSeccomp=4\n" },
                { "seccomp.deny", "bpf keyctl", "[Security]\nSystemCallFilter=~bpf keyctl\n" },
                { "seccomp.deny", "bpf\nkeyctl", "[Security]\nSystemCallFilter=~bpf keyctl\n" },
                { "seccomp.allow", "bpf keyctl", "[Security]\nSystemCallFilter=bpf keyctl\n" },
                { "security.syscalls.deny", "@swap bpf:ENOSYS", "[Security]\nSystemCallFilter=~@swap bpf:ENOSYS\n" },
                { "security.syscalls.blacklist", "bpf", "[Security]\nSystemCallFilter=~bpf\n" },
                { "security.syscalls.deny_default", "false", "[Security]\nSystemCallPolicy=allow\n" },
                { "security.syscalls.deny_compat", "true", "[Security]\nSystemCallArchitectures=native\n" },
                { "snapshots.expiry", "1h", "[Container]\nSnapshotExpiry=1h\n" },
                { "snapshots.pattern", "snap%d", "[Container]\nSnapshotPattern=snap%i\n" },
                { "snapshots.pattern", "auto-{{ creation_date|date:'2006-01-02_15-04-05' }}", "[Container]\nSnapshotPattern=auto-%Y-%m-%d_%H-%M-%S\n" },
                { "snapshots.schedule", "@daily", "[Container]\nSnapshotSchedule=daily\n" },
                { "snapshots.schedule", "0 6 * * *", "[Container]\nSnapshotSchedule=*-*-* 6:0\n" },
                { "snapshots.schedule", "*/15 8-18 * * 1-5", "[Container]\nSnapshotSchedule=Mon..Fri *-*-* 8..18:0/15\n" },
                { "snapshots.schedule", "30 4 1,15 */2 *", "[Container]\nSnapshotSchedule=*-1/2-1,15 4:30\n" },
                { "snapshots.schedule.stopped", "true", "[Container]\nSnapshotStopped=yes\n" },
        };
        static const char *const bad[][2] = {
                { "limits.cpu", "0" }, { "limits.cpu", "-1" }, { "limits.cpu", "8193" }, { "limits.cpu", "a" }, { "limits.cpu", "99999999999999999999" },
                { "limits.cpu.allowance", "0%" }, { "limits.cpu.allowance", "50" }, { "limits.cpu.allowance", "101%" }, { "limits.cpu.allowance", "1/2" },
                { "limits.cpu.allowance", "25ms/0ms" }, { "limits.cpu.allowance", "-5ms/100ms" }, { "limits.cpu.priority", "11" }, { "limits.cpu.priority", "-1" },
                { "limits.disk.priority", "11" }, { "limits.memory.enforce", "x" }, { "limits.memory.swap", "maybe" }, { "security.idmap.isolated", "false" }, { "limits.memory.swap", "-1" },
                { "raw.seccomp", "denylist\n" }, { "raw.seccomp", "3\ndenylist" }, { "raw.seccomp", "1\ndenylist\n3" }, { "raw.seccomp", "2\nmknod" },
                { "raw.seccomp", "2\nallowlist\n3" }, { "raw.seccomp", "2\nallowlist\nreadd" }, { "raw.seccomp", "1\nallowlist\nread" }, { "raw.seccomp", "2\n" },
                { "seccomp.deny", "bpff" }, { "seccomp.allow", "~bpf" }, { "seccomp.allow", "" "bpf:EPERM" }, { "security.syscalls.deny_compat", "maybe" },
                { "snapshots.schedule", "@startup" }, { "snapshots.schedule", "0 6 1 * 1" }, { "snapshots.schedule", "0 6 * *" }, { "snapshots.schedule", "60 6 * * *" },
                { "snapshots.pattern", "a/b" }, { "snapshots.pattern", "%n" },
        };

        /* Anybody may ask for any key, with any value: there is an answer for each. */
        for (size_t i = 0; i < n_lxd_keys; i++)
                ck_assert(settings_assignment_is_owner_settable(lxd_keys[i].key, lxd_keys[i].example) >= 0 &&
                          settings_assignment_is_owner_settable(lxd_keys[i].key, NULL) >= 0 && settings_key_is_owner_settable(lxd_keys[i].key) >= 0);
        for (size_t i = 0; i < n_lxd_keys; i++)
                for (size_t k = 0; k < ELEMENTSOF(lxd_keys[i].names) && lxd_keys[i].names[k]; k++) {
                        const Setting *t;

                        ck_assert_int_eq(setting_find(lxd_keys[i].names[k], &t, NULL, NULL), 0);
                        /* What may depend on the value does not speak for the key. */
                        ck_assert(t->type->owner_may || (t->who == SETTING_OWNER) == settings_key_is_owner_settable(lxd_keys[i].key));
                        ck_assert(setting_is_meant(t, lxd_keys[i].key));
                }
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL;
                _cleanup_free_ char *text = NULL, *value = NULL;
                char *error = NULL;

                ck_assert_int_eq(settings_file_new(&f), 0);
                assert_ok(settings_file_set(f, cases[i].key, cases[i].value, &error), error);
                ck_assert_int_eq(settings_file_print(f, &text), 0);
                ck_assert_msg(strstr(text, cases[i].file), "%s=%s gives: %s", cases[i].key, cases[i].value, text);
                assert_ok(settings_file_get(f, cases[i].key, &value, &error), error);
                assert_ok(settings_file_unset(f, cases[i].key, &error), error);
                text = (free(text), NULL);
                ck_assert_int_eq(settings_file_print(f, &text), 0);
                ck_assert_msg(!strchr(text, '='), "%s is still there: %s", cases[i].key, text);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL;
                _cleanup_free_ char *text = NULL;
                char *error = NULL;

                assert_ok(settings_file_parse("f", "[Resource]\nCPUWeight=7\n", &f, &error), error);
                assert_refused(settings_file_set(f, bad[i][0], bad[i][1], &error), -EINVAL, error, bad[i][0], strchr(bad[i][1], '\n') ? "RawSeccomp" : bad[i][1]);
                ck_assert_int_eq(settings_file_print(f, &text), 0);
                ck_assert_str_eq(text, "[Resource]\nCPUWeight=7\n");
        }
}
END_TEST

START_TEST(help_names_every_key) {
        _cleanup_free_ char *help = NULL, *manual = NULL;
        size_t n;
        FILE *f;

        f = open_memstream(&help, &n);
        settings_print_help(f);
        fclose(f);
        f = open_memstream(&manual, &n);
        settings_print_manual(f);
        fclose(f);
        FOREACH_SETTING(t) {
                _cleanup_free_ char *key = NULL;

                ck_assert_int_ge(asprintf(&key, "%s=", t->name), 0);
                ck_assert_msg(strstr(help, key) && strstr(manual, key) && strstr(help, t->help), "%s", t->name);
        }
}
END_TEST

UNIT_TESTS("settings-table", percentages, sorted_and_whole, lxd_keys_work, who_may_filter, every_row_works, every_row_is_found, unknown_keys, bad_values_are_refused, properties, capabilities,
           dependencies, container_names, help_names_every_key)
