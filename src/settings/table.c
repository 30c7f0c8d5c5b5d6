/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "basic/strv.h"
#include "settings/ini.h"
#include "settings/quote.h"

#define OWN(key, type_, field, when_, who_, help_)                                                                                              \
        { .section = "Container", .name = #key, .type = &setting_type_##type_, .offset = offsetof(Settings, field), .when = SETTING_##when_,    \
          .who = SETTING_##who_, .max = UINT64_MAX, .help = help_ }
#define ROW(section_, key, lxd_, type_, field, when_, who_, fallback_, help_)                                                                   \
        { .section = #section_, .name = #key, .lxd = lxd_, .type = &setting_type_##type_, .offset = offsetof(Settings, field),                  \
          .when = SETTING_##when_, .who = SETTING_##who_, .fallback = fallback_, .help = help_ }
#define RESOURCE(key, lxd_, type_, property_, scale, max_, usual_, who_, help_)                                                                      \
        { .section = "Resource", .name = #key, .lxd = lxd_, .type = &setting_type_##type_, .offset = offsetof(Settings, unit_properties),       \
          .property = property_, .property_scale = scale, .max = max_, .usual = usual_, .when = SETTING_LIVE, .who = SETTING_##who_,             \
          .help = help_ }
#define UNIT(key, type_, help_)                                                                                                                 \
        { .section = "Unit", .name = #key, .type = &setting_type_##type_, .offset = offsetof(Settings, unit_dependencies),                      \
          .when = SETTING_NEXT_START, .who = SETTING_ADMIN, .help = help_ }

/* What systemd-nspawn(1) retains, and NET_ADMIN because the network namespace is the container's own; without AUDIT_CONTROL, LEASE,
 * LINUX_IMMUTABLE and SYS_TTY_CONFIG, which the kernel asks for in the initial user namespace only, so that they are worth nothing to a
 * container. MKNOD and AUDIT_WRITE are worth as little, but container engines inside refuse to work without them. */
#define CAPABILITIES_DEFAULT                                                                                                                    \
        "CAP_AUDIT_WRITE CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_IPC_OWNER CAP_KILL CAP_MKNOD CAP_NET_ADMIN "  \
        "CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_RAW CAP_SETFCAP CAP_SETGID CAP_SETPCAP CAP_SETUID CAP_SYS_ADMIN CAP_SYS_BOOT "          \
        "CAP_SYS_CHROOT CAP_SYS_NICE CAP_SYS_PTRACE CAP_SYS_RESOURCE"

/* By section, then by name. Limits of cgroups are the owner's to set: an owner's slice, above, is what bounds the owner. */
const Setting settings_table[] = {
        OWN(Architecture, identifier, architecture, INTERNAL, BERTH, "Architecture of the image, in Debian's or LXD's spelling"),
        OWN(CreatedUSec, u64, created_usec, INTERNAL, BERTH, "When it was created, in microseconds since 1970"),
        OWN(Description, string, description, LIVE, OWNER, "A line of text for people"),
        OWN(Ephemeral, bool, ephemeral, CREATE_ONLY, BERTH, "Deleted when it stops"),
        OWN(Image, fingerprint, image, INTERNAL, BERTH, "Fingerprint of the image it was created from"),
        OWN(Owner, u32, owner, INTERNAL, BERTH, "User id of who owns it"),
        OWN(UIDBase, u32, uid_base, INTERNAL, BERTH, "First of the 65536 host user ids that are its own"),
        OWN(UUID, uuid, uuid, INTERNAL, BERTH, "Its identity, passed to the payload as container_uuid"),

        ROW(Exec, Environment, "environment.*", environment, environment, NEXT_START, OWNER, NULL, "Environment variables of the payload"),
        ROW(Exec, Hostname, NULL, hostname, hostname, NEXT_START, OWNER, NULL, "Host name; empty: the container's name"),
        ROW(Exec, Init, NULL, command, init, NEXT_START, OWNER, NULL, "Command line of the payload; empty: /sbin/init"),
        ROW(Exec, KillSignal, NULL, signal, kill_signal, NEXT_START, OWNER, NULL,
            "Asks the payload for a clean stop; empty: chosen by the payload, SIGRTMIN+3 for systemd, SIGTERM for a program"),
        ROW(Exec, NotifyReady, NULL, notify_ready, notify_ready, NEXT_START, OWNER, "auto",
            "Whether a start waits for READY=1 of the payload; auto: when it is systemd"),
        ROW(Exec, SetCredential, NULL, credentials, credentials, NEXT_START, OWNER, NULL, "Credentials that the payload may import, see systemd.exec(5)"),
        ROW(Exec, StubInit, NULL, bool, stub_init, NEXT_START, OWNER, "no",
            "Run Init= as PID 2 below berth's own small PID 1, which reaps and forwards signals"),
        ROW(Exec, TimeoutStopSec, "boot.host_shutdown_timeout", time_span, timeout_stop_usec, NEXT_START, OWNER, "1min 30s",
            "How long a clean stop may take before the payload is killed"),
        ROW(Exec, User, NULL, user, user, NEXT_START, OWNER, NULL, "User of a single program, resolved inside; empty: root"),
        ROW(Exec, WorkingDirectory, NULL, path, working_directory, NEXT_START, OWNER, NULL, "Working directory of a single program; empty: /"),

        RESOURCE(AllowedCPUs, "limits.cpu", bits, "AllowedCPUs", NULL, 8191, 0, OWNER, "The CPUs it may run on"),
        RESOURCE(AllowedMemoryNodes, NULL, bits, "AllowedMemoryNodes", NULL, 1023, 0, OWNER, "The NUMA nodes it may take memory from"),
        RESOURCE(CPUQuota, NULL, quota, "CPUQuotaPerSecUSec", NULL, 8192 * 10000, USEC_INFINITY, OWNER, "CPU time it may use, of one CPU: 200% is two CPUs' worth"),
        RESOURCE(CPUWeight, NULL, cpu_weight, "CPUWeight", NULL, 10000, UINT64_MAX, OWNER, "Its share of CPU time where CPUs are short; 100 is normal"),
        RESOURCE(IOWeight, NULL, weight, "IOWeight", NULL, 10000, UINT64_MAX, OWNER, "Its share of disk throughput; 100 is normal"),
        RESOURCE(MemoryHigh, NULL, memory, "MemoryHigh", "MemoryHighScale", UINT64_MAX, UINT64_MAX, OWNER, "Memory beyond which it is slowed and reclaimed from"),
        RESOURCE(MemoryLow, NULL, memory, "MemoryLow", "MemoryLowScale", UINT64_MAX, 0, ADMIN, "Memory that is left to it as long as others have some to give"),
        RESOURCE(MemoryMax, "limits.memory", memory, "MemoryMax", "MemoryMaxScale", UINT64_MAX, UINT64_MAX, OWNER, "Memory it may use at the most"),
        RESOURCE(MemoryMin, NULL, memory, "MemoryMin", "MemoryMinScale", UINT64_MAX, 0, ADMIN, "Memory that is never taken from it"),
        RESOURCE(MemorySwapMax, NULL, memory, "MemorySwapMax", "MemorySwapMaxScale", UINT64_MAX, UINT64_MAX, OWNER,
                 "Swap it may use at the most"),
        RESOURCE(TasksMax, "limits.processes", tasks, "TasksMax", "TasksMaxScale", UINT32_MAX, SCOPE_TASKS_MAX, OWNER, "Processes and threads it may have"),

        ROW(Security, CapabilityBoundingSet, NULL, capabilities, capabilities, NEXT_START, ADMIN, CAPABILITIES_DEFAULT, "Capabilities that any process in it can ever have"),
        ROW(Security, NoNewPrivileges, NULL, bool, no_new_privileges, NEXT_START, OWNER, "no", "No set-user-id program gains anything inside"),

        UNIT(After, units, "Started after these units, stopped before them"),
        UNIT(Before, units, "Started before these units, stopped after them"),
        UNIT(BindsTo, units, "As Requires=, and stopped when they stop for any reason"),
        UNIT(Conflicts, units, "Never runs at the same time as these units"),
        UNIT(PartOf, units, "Stopped and restarted with these units"),
        UNIT(Requires, units, "Starts these units too, and fails when they fail"),
        UNIT(RequiresMountsFor, mounts, "Needs the file systems that these paths of the host are on"),
        UNIT(Requisite, units, "Fails to start unless these units run"),
        UNIT(Wants, units, "Starts these units too, whatever becomes of them"),
};
const size_t n_settings_table = ELEMENTSOF(settings_table);

static const char *const when_table[_SETTING_WHEN_MAX] = {
        [SETTING_LIVE] = "live", [SETTING_NEXT_START] = "next start", [SETTING_CREATE_ONLY] = "create only", [SETTING_INTERNAL] = "internal",
};

static const char *const who_table[_SETTING_WHO_MAX] = {
        [SETTING_OWNER] = "owner", [SETTING_ADMIN] = "admin", [SETTING_BERTH] = "berth",
};

const char *setting_when_to_string(SettingWhen when) {
        return when_table[when];
}

const char *setting_who_to_string(SettingWho who) {
        return who_table[who];
}

/* Levenshtein's distance, letters' case aside, of texts short enough to be keys. */
static size_t distance(const char *a, const char *b) {
        size_t row[64], n = strlen(b);

        if (n >= ELEMENTSOF(row) || strlen(a) >= ELEMENTSOF(row))
                return SIZE_MAX;
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        size_t replaced = diagonal + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);

                        diagonal = row[j];
                        row[j] = MIN_OF(replaced, MIN_OF(row[j - 1], row[j]) + 1);
                }
        }
        return row[n];
}

static int explain_unknown(const char *key, char **ret_error) {
        _cleanup_free_ char *escaped = NULL;
        const Setting *nearest = NULL;
        const char *name = NULL, *dot = strchr(key, '.');
        size_t best = MAX_OF(strlen(key) / 3, (size_t) 2) + 1;
        int r;

        r = string_escape(key, &escaped);
        if (r < 0)
                return r;
        if (strlen(escaped) > 60)
                strcpy(escaped + 57, "...");

        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++) {
                const char *names[] = { t->name, t->lxd };

                for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                        size_t d = names[i] ? distance(key, names[i]) : SIZE_MAX;

                        if (dot && i == 0)
                                d = MIN_OF(d, distance(dot + 1, names[i]));
                        if (d < best) {
                                best = d;
                                nearest = t;
                                name = names[i];
                        }
                }
        }

        if (!nearest)
                r = asprintf(ret_error, "There is no setting '%s'.", escaped);
        else
                r = asprintf(ret_error, "There is no setting '%s', did you mean '%s'?", escaped, name);
        return r < 0 ? -ENOMEM : -ENOENT;
}

static bool matches(const Setting *t, const char *key, const char **ret_subkey) {
        const char *family = t->lxd ? endswith(t->lxd, "*") : NULL, *rest;

        *ret_subkey = NULL;
        if (streq(key, t->name) || (t->lxd && !family && streq(key, t->lxd)))
                return true;
        if (family && strncmp(key, t->lxd, (size_t) (family - t->lxd)) == 0 && key[family - t->lxd]) {
                *ret_subkey = key + (family - t->lxd);
                return true;
        }
        rest = startswith(key, t->section);
        return rest && *rest == '.' && streq(rest + 1, t->name);
}

int setting_find(const char *key, const Setting **ret, const char **ret_subkey, char **ret_error) {
        const char *subkey;

        assert(key);
        assert(ret);

        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)
                if (matches(t, key, &subkey)) {
                        *ret = t;
                        if (ret_subkey)
                                *ret_subkey = subkey;
                        return 0;
                }
        return ret_error ? explain_unknown(key, ret_error) : -ENOENT;
}

int setting_find_in_section(const char *section, const char *key, const Setting **ret, char **ret_error) {
        const Setting *t;
        int r;

        for (t = settings_table; t < settings_table + n_settings_table; t++)
                if (streq(section, t->section) && streq(key, t->name)) {
                        *ret = t;
                        return 0;
                }

        if (setting_find(key, &t, NULL, ret_error) < 0)
                return -ENOENT;
        if (streq(t->section, section))
                r = asprintf(ret_error, "'%s' is written '%s=' in a file.", key, t->name);
        else
                r = asprintf(ret_error, "'%s' belongs as '%s=' in the section [%s].", key, t->name, t->section);
        return r < 0 ? -ENOMEM : -ENOENT;
}

int setting_reason(char **ret_reason, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(ret_reason, format, ap);
        va_end(ap);
        if (n < 0) {
                *ret_reason = NULL;
                return -ENOMEM;
        }
        return -EINVAL;
}

static int explain_value(const Setting *t, const char *text, int error, const char *reason, char **ret_error) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = string_escape(text, &escaped);
        if (r < 0)
                return r;
        if (strlen(escaped) > 80)
                strcpy(escaped + 77, "...");

        if (reason)
                r = asprintf(ret_error, "%s: '%s' %s.", t->name, escaped, reason);
        else if (error == -ERANGE)
                r = asprintf(ret_error, "%s: '%s' is out of range for %s.", t->name, escaped, t->type->expects);
        else
                r = asprintf(ret_error, "%s: '%s' is not %s.", t->name, escaped, t->type->expects);
        return r < 0 ? -ENOMEM : -EINVAL;
}

int setting_reset(const Setting *t, Settings *s) {
        _cleanup_free_ char *reason = NULL;

        t->type->clear(t, s);
        return t->fallback ? t->type->apply(t, s, t->fallback, false, &reason) : 0;
}

int setting_apply(const Setting *t, Settings *s, const char *text, bool again, char **ret_error) {
        _cleanup_free_ char *reason = NULL;
        int r;

        assert(t);
        assert(s);
        assert(text);
        assert(ret_error);

        if (!*text)
                return setting_reset(t, s);

        r = text_is_plain(text);
        if (r < 0)
                return r;
        if (r == 0)
                return explain_value(t, text, -EINVAL, "has a newline, another control character, or invalid UTF-8 in it", ret_error);
        if (strlen(text) >= INI_LINE_LENGTH_MAX - 256)
                return explain_value(t, text, -EINVAL, "is too long", ret_error);

        r = t->type->apply(t, s, text, again, &reason);
        if (r == -EINVAL || r == -ERANGE)
                return explain_value(t, text, r, reason, ret_error);
        return r;
}

int setting_differs(const Setting *t, const Settings *a, const Settings *b) {
        _cleanup_free_ char *x = NULL, *y = NULL;
        int r, q;

        if (t->type->differs)
                return t->type->differs(t, a, b);
        r = t->type->print(t, a, &x);
        if (r < 0 && r != -ENODATA)
                return r;
        q = t->type->print(t, b, &y);
        if (q < 0 && q != -ENODATA)
                return q;
        return !streq_ptr(x, y);
}

int setting_check_lxd(const Setting *t, const char *key, const char *text, char **ret_error) {
        uint64_t v;

        /* LXD: "2" is any two CPUs, "2-2" is CPU 2. */
        if (streq(key, "limits.cpu") && parse_u64(text, UINT64_MAX, &v) != -EINVAL)
                return asprintf(ret_error, "%s: '%.20s' is a number of CPUs; name the CPUs, such as 0-1, or set CPUQuota=.", key, text) < 0 ? -ENOMEM : -EINVAL;
        return 0;
}

int settings_new(Settings **ret) {
        _cleanup_(settings_freep) Settings *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return -ENOMEM;
        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)
                if (t->fallback) {
                        r = setting_reset(t, s);
                        if (r < 0)
                                return r;
                }
        *ret = TAKE_PTR(s);
        return 0;
}

Settings *settings_free(Settings *s) {
        if (!s)
                return NULL;
        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)
                t->type->clear(t, s);
        free(s);
        return NULL;
}
