/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/lxd.h"

#include <stdio.h>

#include "basic/strv.h"
#include "settings/calendar.h"
#include "settings/quantity.h"
#include "settings/snapshot-pattern.h"
#include "settings/syscall-name.h"

/* "2" is any two CPUs, "0-1,3" or "2-2" these. */
static int translate_cpu(const char *value, char ***assignments, char **ret_reason) {
        uint64_t n;

        return strv_extendf(assignments, parse_u64(value, UINT64_MAX, &n) == -EINVAL ? "AllowedCPUs=%s" : "CPUCount=%s", value);
}

/* "50%": a share, where CPUs are short; "25ms/100ms": a limit, always. */
static int translate_cpu_allowance(const char *value, char ***assignments, char **ret_reason) {
        const char *slash = strchr(value, '/');
        _cleanup_free_ char *time = NULL;
        uint64_t v, usec, period;
        int r;

        if (!slash) {
                r = parse_permyriad(value, 10000, &v);
                if (r < 0 || v < 100)
                        return r < 0 ? r : -ERANGE;
                return strv_extendf(assignments, "CPUWeight=%llu", (unsigned long long) v / 100);
        }
        time = strndup(value, (size_t) (slash - value));
        if (!time)
                return -ENOMEM;
        r = parse_time_span(time, &usec);
        if (r >= 0)
                r = parse_time_span(slash + 1, &period);
        if (r < 0)
                return r;
        if (!endswith(time, "s") || !endswith(slash + 1, "s"))
                return -EINVAL;
        if (usec == 0 || period < USEC_PER_MSEC || period > USEC_PER_SEC || usec > period * 8192 || usec * 10000 / period == 0)
                return -ERANGE;
        r = strv_extendf(assignments, "CPUQuota=%llu.%02llu%%", (unsigned long long) (usec * 100 / period),
                         (unsigned long long) (usec * 10000 / period % 100));
        return r < 0 ? r : strv_extendf(assignments, "CPUQuotaPeriodSec=%lluus", (unsigned long long) period);
}

/* 10, LXD's usual one, is a container like any other. */
static int translate_cpu_priority(const char *value, char ***assignments, char **ret_reason) {
        uint64_t v;
        int r;

        r = parse_u64(value, 10, &v);
        return r < 0 ? r : strv_extendf(assignments, "CPUWeight=%llu", 10ULL + 9 * v);
}

/* 5 is LXD's usual one. */
static int translate_disk_priority(const char *value, char ***assignments, char **ret_reason) {
        uint64_t v;
        int r;

        r = parse_u64(value, 10, &v);
        return r < 0 ? r : strv_extendf(assignments, "IOWeight=%llu", (unsigned long long) (v == 0 ? 1 : 20 * v));
}

static int translate_memory_swap(const char *value, char ***assignments, char **ret_reason) {
        int r = parse_bool(value);

        /* A number is an amount, also 0 and 1. */
        if (r < 0 || strchr("0123456789", value[0]))
                return strv_extendf(assignments, "MemorySwapMax=%s", value);
        return r > 0 ? 0 : strv_extend(assignments, "MemorySwapMax=0");
}

static int translate_memory_enforce(const char *value, char ***assignments, char **ret_reason) {
        if (streq(value, "hard"))
                return strv_extend(assignments, "MemoryEnforce=hard");
        return streq(value, "soft") ? strv_extend(assignments, "MemoryEnforce=soft") : -EINVAL;
}

/* They are never anybody else's. */
static int translate_idmap_isolated(const char *value, char ***assignments, char **ret_reason) {
        int r = parse_bool(value);

        return r > 0 ? 0 : -EINVAL;
}

/* Names may stand one a line, too. */
static int translate_syscalls(const char *prefix, const char *value, char ***assignments, char **ret_reason) {
        _cleanup_free_ char *names = strdup(value);

        if (!names)
                return -ENOMEM;
        for (char *p = names; *p; p++)
                if (strchr("\n\t,", *p))
                        *p = ' ';
        return strv_extendf(assignments, "SystemCallFilter=%s%s", prefix, names + strspn(names, " "));
}

static int translate_deny(const char *value, char ***assignments, char **ret_reason) {
        return translate_syscalls("~", value, assignments, ret_reason);
}

static int translate_allow(const char *value, char ***assignments, char **ret_reason) {
        return value[strspn(value, " \n\t,")] == '~' ? -EINVAL : translate_syscalls("", value, assignments, ret_reason);
}

/* These and no others. */
static int translate_allow_only(const char *value, char ***assignments, char **ret_reason) {
        int r;

        r = translate_allow(value, assignments, ret_reason);
        return r < 0 ? r : strv_extend(assignments, "SystemCallPolicy=deny");
}

static int translate_deny_default(const char *value, char ***assignments, char **ret_reason) {
        int r = parse_bool(value);

        return r < 0 ? r : strv_extend(assignments, r ? "SystemCallPolicy=default" : "SystemCallPolicy=allow");
}

static int translate_deny_compat(const char *value, char ***assignments, char **ret_reason) {
        int r = parse_bool(value);

        return r < 0 ? r : strv_extend(assignments, r ? "SystemCallArchitectures=native" : "SystemCallArchitectures=all");
}

/* The text of a whole file: its lines but those that are empty or a comment. */
static int split_lines(const char *value, char ***ret) {
        _cleanup_free_ char *text = strdup(value);
        _cleanup_strv_ char **lines = NULL;
        int r = 0;

        if (!text)
                return -ENOMEM;
        for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));) {
                for (char *p = line; *p; p++)
                        if (*p == '\t' || *p == '\r')
                                *p = ' ';
                line += strspn(line, " ");
                if (*line && *line != '#')
                        r = strv_extend(&lines, line);
        }
        if (r < 0)
                return r;
        *ret = TAKE_PTR(lines);
        return 0;
}

static int translate_raw_apparmor(const char *value, char ***assignments, char **ret_reason) {
        _cleanup_strv_ char **lines = NULL;
        int r;

        r = split_lines(value, &lines);
        for (char **line = lines; r >= 0 && line && *line; line++)
                r = strv_extendf(assignments, "RawAppArmor=%s", *line);
        return r;
}

static int translate_raw_seccomp(const char *value, char ***assignments, char **ret_reason) {
        _cleanup_strv_ char **lines = NULL;
        int r;

        r = split_lines(value, &lines);
        if (r >= 0)
                r = raw_policy_check(lines, ret_reason);
        for (char **line = lines; r >= 0 && line && *line; line++)
                r = strv_extendf(assignments, "RawSeccomp=%s", *line);
        return r;
}

/* A field of cron's, "*", "5", "1-5", "1-10/3", a step over all of it, or a list of these, in systemd's way. *ret_any: it is "*". */
static int translate_cron_field(const char *field, const char *first, bool is_day, char **ret, bool *ret_any) {
        static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" };
        _cleanup_strv_ char **items = NULL;
        _cleanup_free_ char *copy = strdup(field);
        int r = 0;

        if (!copy)
                return -ENOMEM;
        *ret_any = streq(field, "*");
        if (*ret_any)
                return (*ret = strdup("*")) ? 0 : -ENOMEM;
        for (char *rest = copy, *item; r >= 0 && (item = strsep(&rest, ","));) {
                char *step = strchr(item, '/'), *to;

                if (step)
                        *step++ = 0;
                to = strchr(item, '-');
                if (to)
                        *to++ = 0;
                if (is_day) {
                        uint64_t from, until;

                        /* What systemd has no step for. */
                        if (step)
                                return -EINVAL;
                        if (parse_u64(item, 7, &from) < 0)
                                r = to ? strv_extendf(&items, "%s..%s", item, to) : strv_extend(&items, item);
                        else if (!to)
                                r = strv_extend(&items, days[from]);
                        else if (parse_u64(to, 7, &until) < 0 || until <= from)
                                return -EINVAL;
                        else if (from == 0)
                                r = strv_extendf(&items, until == 1 ? "Sun,%s" : "Sun,Mon..%s", days[until]);
                        else
                                r = strv_extendf(&items, "%s..%s", days[from], days[until]);
                } else if (streq(item, "*"))
                        r = step ? strv_extendf(&items, "%s/%s", first, step) : -EINVAL;
                else if (to)
                        r = step ? strv_extendf(&items, "%s..%s/%s", item, to, step) : strv_extendf(&items, "%s..%s", item, to);
                else
                        r = step ? -EINVAL : strv_extend(&items, item);
        }
        return r < 0 ? r : strv_join(items, ",", ret);
}

/* Minute, hour, day of the month, month, day of the week. */
static int translate_cron(const char *value, char **ret) {
        static const char *const first[] = { "0", "0", "1", "1", "Mon" };
        _cleanup_strv_ char **fields = NULL;
        _cleanup_free_ char *copy = strdup(value);
        bool any[ELEMENTSOF(first)];
        size_t n = 0;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        for (char *rest = copy, *word; (word = strsep(&rest, " "));) {
                _cleanup_free_ char *field = NULL;

                if (!*word)
                        continue;
                if (n >= ELEMENTSOF(first))
                        return -EINVAL;
                r = translate_cron_field(word, first[n], n == 4, &field, &any[n]);
                if (r >= 0)
                        r = strv_extend(&fields, field);
                if (r < 0)
                        return r;
                n++;
        }
        /* Days of the month or of the week: cron means either, systemd both. */
        if (n != ELEMENTSOF(first) || (!any[2] && !any[4]))
                return -EINVAL;
        return asprintf(ret, "%s%s*-%s-%s %s:%s", any[4] ? "" : fields[4], any[4] ? "" : " ", fields[3], fields[2], fields[1], fields[0]) < 0 ? -ENOMEM : 0;
}

static int translate_schedule(const char *value, char ***assignments, char **ret_reason) {
        static const struct {
                const char *lxd, *calendar;
        } words[] = {
                { "@hourly", "hourly" }, { "@daily", "daily" }, { "@midnight", "daily" }, { "@weekly", "weekly" }, { "@monthly", "monthly" },
                { "@annually", "yearly" }, { "@yearly", "yearly" }, { "@never", "" },
        };
        _cleanup_free_ char *calendar = NULL;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(value, words[i].lxd))
                        return strv_extendf(assignments, "SnapshotSchedule=%s", words[i].calendar);
        /* Two of them with one timer would be a list of timers. */
        if (strchr("@", value[0]))
                return -EINVAL;
        /* What is in systemd's own way already. */
        if (calendar_check(value) >= 0)
                return strv_extendf(assignments, "SnapshotSchedule=%s", value);
        r = translate_cron(value, &calendar);
        if (r >= 0)
                r = calendar_check(calendar);
        return r < 0 ? -EINVAL : strv_extendf(assignments, "SnapshotSchedule=%s", calendar);
}

/* "snap%d", and Pongo2's {{ creation_date|date:'2006-01-02_15-04-05' }}, a layout of Go's. */
static int translate_pattern(const char *value, char ***assignments, char **ret_reason) {
        static const struct {
                const char *from, *to;
        } pieces[] = {
                { "%d", "%i" }, { "{{", "" }, { "}}", "" }, { "creation_date", "" }, { "|", "" }, { "date:", "" }, { "'", "" }, { "\"", "" }, { " ", "" },
                { "2006", "%Y" }, { "15", "%H" }, { "01", "%m" }, { "02", "%d" }, { "04", "%M" }, { "05", "%S" },
        };
        bool date = strstr(value, "{{");
        char out[256];
        size_t n = 0;

        while (*value) {
                const char *rest = NULL, *to = NULL;

                for (size_t i = 0; !rest && i < (date ? ELEMENTSOF(pieces) : 1); i++) {
                        rest = startswith(value, pieces[i].from);
                        to = pieces[i].to;
                }
                if (n + 4 >= sizeof out)
                        return -EINVAL;
                if (rest)
                        n += (size_t) snprintf(out + n, sizeof out - n, "%s", to);
                else
                        out[n++] = *value;
                value = rest ?: value + 1;
        }
        out[n] = 0;
        return snapshot_pattern_check(out) < 0 ? -EINVAL : strv_extendf(assignments, "SnapshotPattern=%s", out);
}

#define SYSCALLS_EXPECTED "a list of system calls, such as bpf keyctl"

const LxdKey lxd_keys[] = {
        { "limits.cpu", { "CPUCount", "AllowedCPUs" }, translate_cpu, "a number of CPUs, or a list of them such as 0-1,3 or 2-2", "2" },
        { "limits.cpu.allowance", { "CPUQuota", "CPUQuotaPeriodSec", "CPUWeight" }, translate_cpu_allowance, "a share such as 50%, or a limit such as 25ms/100ms", "25ms/100ms" },
        { "limits.cpu.priority", { "CPUWeight" }, translate_cpu_priority, "a number from 0 to 10", "5" },
        { "limits.disk.priority", { "IOWeight" }, translate_disk_priority, "a number from 0 to 10", "5" },
        { "limits.memory.enforce", { "MemoryEnforce" }, translate_memory_enforce, "hard or soft", "soft" },
        { "security.idmap.isolated", { NULL }, translate_idmap_isolated, "true: every container has ids of its own", "true" },
        { "limits.memory.swap", { "MemorySwapMax" }, translate_memory_swap, "true, false, or a size", "false" },
        { "raw.apparmor", { "RawAppArmor" }, translate_raw_apparmor, "rules as in apparmor.d(5)", "deny /srv/** w," },
        { "raw.seccomp", { "RawSeccomp" }, translate_raw_seccomp, "a policy file as in lxc.container.conf(5)", "2\ndenylist\nmknod errno 1" },
        { "seccomp.allow", { "SystemCallFilter" }, translate_allow, SYSCALLS_EXPECTED, "bpf keyctl" },
        { "seccomp.deny", { "SystemCallFilter" }, translate_deny, SYSCALLS_EXPECTED, "bpf keyctl" },
        { "security.syscalls.allow", { "SystemCallPolicy", "SystemCallFilter" }, translate_allow_only, SYSCALLS_EXPECTED, "read write" },
        { "security.syscalls.blacklist", { "SystemCallFilter" }, translate_deny, SYSCALLS_EXPECTED, "bpf keyctl" },
        { "security.syscalls.blacklist_compat", { "SystemCallArchitectures" }, translate_deny_compat, "true or false", "true" },
        { "security.syscalls.blacklist_default", { "SystemCallPolicy" }, translate_deny_default, "true or false", "false" },
        { "security.syscalls.deny", { "SystemCallFilter" }, translate_deny, SYSCALLS_EXPECTED, "bpf keyctl" },
        { "security.syscalls.deny_compat", { "SystemCallArchitectures" }, translate_deny_compat, "true or false", "true" },
        { "security.syscalls.deny_default", { "SystemCallPolicy" }, translate_deny_default, "true or false", "false" },
        { "security.syscalls.whitelist", { "SystemCallPolicy", "SystemCallFilter" }, translate_allow_only, SYSCALLS_EXPECTED, "read write" },
        { "snapshots.pattern", { "SnapshotPattern" }, translate_pattern, "a name such as snap%d, or with {{ creation_date|date:'2006-01-02_15-04-05' }} in it", "snap%d" },
        { "snapshots.schedule", { "SnapshotSchedule" }, translate_schedule, "@hourly, @daily, @weekly, @monthly, @yearly, or five fields as in crontab(5)", "0 6 * * *" },
};
const size_t n_lxd_keys = ELEMENTSOF(lxd_keys);

const LxdKey *lxd_key_find(const char *key) {
        for (size_t i = 0; i < n_lxd_keys; i++)
                if (streq(lxd_keys[i].key, key))
                        return &lxd_keys[i];
        return NULL;
}

int lxd_key_translate(const LxdKey *k, const char *value, char ***ret_assignments, char **ret_error) {
        _cleanup_strv_ char **assignments = NULL;
        _cleanup_free_ char *reason = NULL, *escaped = NULL;
        int r;

        r = *value ? k->translate(value, &assignments, &reason) : 0;
        if (r == -EINVAL && reason)
                return asprintf(ret_error, "%s: %s", k->key, reason) < 0 ? -ENOMEM : -EINVAL;
        if (r == -EINVAL || r == -ERANGE) {
                if (string_escape(value, &escaped) < 0)
                        return -ENOMEM;
                if (strlen(escaped) > 80)
                        strcpy(escaped + 77, "...");
                return asprintf(ret_error, "%s: '%s' is not %s.", k->key, escaped, k->expects) < 0 ? -ENOMEM : -EINVAL;
        }
        if (r >= 0)
                *ret_assignments = TAKE_PTR(assignments);
        return r;
}
