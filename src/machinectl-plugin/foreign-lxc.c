/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxc.container.conf(5), with the names of LXC 1 and 2 too. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/foreign.h"
#include "settings/quantity.h"

static int map_rootfs(Foreign *f, const char *setting, const char *rest, const char *value) {
        return free_and_strdup(&f->rootfs, value);
}

/* By the same choice as LXD's limits.kernel.*: those that are the owner's own affair. */
static int map_prlimit(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_free_ char *key = NULL;

        if (asprintf(&key, "limits.kernel.%s", rest) < 0)
                return key = NULL, -ENOMEM;
        return settings_key_is_owner_settable(key) > 0 ? foreign_set(f, key, value) : FOREIGN_LEFT_OUT;
}

/* Capabilities are only ever taken away. */
static int map_cap_drop(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_strv_ char **words = NULL;
        _cleanup_free_ char *copy = strdup(value), *joined = NULL, *all = NULL, *error = NULL;
        int r = 0;

        if (!copy)
                return -ENOMEM;
        for (char *p = copy; *p; p++)
                *p = *p >= 'a' && *p <= 'z' ? (char) (*p - 'a' + 'A') : *p;
        for (char *more = copy, *word; r >= 0 && (word = strsep(&more, " "));)
                if (*word)
                        r = strv_extendf(&words, "CAP_%s", word);
        if (r >= 0)
                r = strv_join(words, " ", &joined);
        if (r < 0 || isempty(joined))
                return r;
        /* Each line takes away, where assignments of the setting would replace each other. */
        for (char **s = f->settings; s && *s; s++) {
                const char *before = startswith(*s, "CapabilityBoundingSet=~");

                if (!before)
                        continue;
                if (asprintf(&all, "CapabilityBoundingSet=~%s %s", before, joined) < 0)
                        return all = NULL, -ENOMEM;
                r = settings_file_append(f->file, "CapabilityBoundingSet", strchr(all, '=') + 1, &error);
                if (r < 0)
                        return r == -ENOMEM ? r : FOREIGN_LEFT_OUT;
                free(*s);
                *s = TAKE_PTR(all);
                return 0;
        }
        return foreign_setf(f, "CapabilityBoundingSet", "~%s", joined);
}

/* A number of LXC 1's shares, of which 1024 are as many as 100 of weight. */
static int map_shares(Foreign *f, const char *setting, const char *rest, const char *value) {
        uint64_t v;

        if (parse_u64(value, UINT32_MAX, &v) < 0)
                return FOREIGN_LEFT_OUT;
        return foreign_setf(f, setting, "%llu", (unsigned long long) MIN_OF(MAX_OF(v * 100 / 1024, UINT64_C(1)), UINT64_C(10000)));
}

static int map_time(Foreign *f, const char *setting, const char *rest, const char *value) {
        bool quota = streq(setting, "quota");
        uint64_t v;

        if (streq(value, "-1") || streq(value, "max"))
                return 0;
        if (parse_u64(value, UINT32_MAX, &v) < 0)
                return FOREIGN_LEFT_OUT;
        *(quota ? &f->cpu_quota_usec : &f->cpu_period_usec) = v;
        return 0;
}

/* "50000 100000" */
static int map_cpu_max(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_free_ char *quota = strndup(value, strcspn(value, " "));
        const char *period = value + strcspn(value, " ");
        int r;

        if (!quota)
                return -ENOMEM;
        r = map_time(f, "quota", NULL, quota);
        period += strspn(period, " ");
        return r == 0 && *period ? map_time(f, "period", NULL, period) : r;
}

static int map_pids(Foreign *f, const char *setting, const char *rest, const char *value) {
        return streq(value, "max") ? 0 : foreign_set(f, setting, value);
}

static int map_io_weight(Foreign *f, const char *setting, const char *rest, const char *value) {
        const char *number = startswith(value, "default ");

        return foreign_set(f, setting, number ?: value);
}

static ForeignNic *nic_at(Foreign *f, unsigned n) {
        if (n >= FOREIGN_NICS_MAX)
                return NULL;
        f->n_nics = MAX_OF(f->n_nics, n + 1);
        f->nics[n].there = true;
        return &f->nics[n];
}

/* "10.0.3.5/24 10.0.3.255": the broadcast address follows from it. */
static int add_address(char ***addresses, const char *value) {
        _cleanup_free_ char *address = strndup(value, strcspn(value, " "));

        return address ? strv_extend(addresses, address) : -ENOMEM;
}

static int map_nic_key(ForeignNic *n, const char *key, const char *value) {
        const struct {
                const char *name;
                char **field;
        } fields[] = {
                { "type", &n->type },          { "link", &n->link }, { "name", &n->name }, { "hwaddr", &n->mac }, { "mtu", &n->mtu },
                { "ipv4.gateway", &n->gateway4 }, { "ipv6.gateway", &n->gateway6 },
        };

        for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                if (streq(key, fields[i].name)) {
                        /* What a template leaves to be made up. */
                        if (streq(key, "hwaddr") && strpbrk(value, "xX"))
                                return 0;
                        return free_and_strdup(fields[i].field, value);
                }
        if (streq(key, "ipv4.address") || streq(key, "ipv4"))
                return add_address(&n->addresses4, value);
        if (streq(key, "ipv6.address") || streq(key, "ipv6"))
                return add_address(&n->addresses6, value);
        return streq(key, "flags") ? 0 : FOREIGN_LEFT_OUT;
}

/* lxc.net.0.type */
static int map_net(Foreign *f, const char *setting, const char *rest, const char *value) {
        size_t digits = strspn(rest, "0123456789");
        ForeignNic *n;

        if (digits == 0 || digits > 2 || rest[digits] != '.')
                return FOREIGN_LEFT_OUT;
        n = nic_at(f, (unsigned) (rest[0] - '0') * (digits == 2 ? 10 : 1) + (digits == 2 ? (unsigned) (rest[1] - '0') : 0));
        return n ? map_nic_key(n, rest + digits + 1, value) : FOREIGN_LEFT_OUT;
}

/* lxc.network.type begins the next one. */
static int map_network(Foreign *f, const char *setting, const char *rest, const char *value) {
        ForeignNic *n = nic_at(f, streq(rest, "type") ? f->n_nics : f->n_nics > 0 ? f->n_nics - 1 : 0);

        return n ? map_nic_key(n, rest, value) : FOREIGN_LEFT_OUT;
}

/* "SOURCE TARGET TYPE OPTIONS 0 0". What the kernel makes up is there in every container; what lies on the host is the administrator's to lend. */
static int map_mount(Foreign *f, const char *setting, const char *rest, const char *value) {
        static const char *const kernel[] = {
                "proc", "sysfs", "cgroup", "cgroup2", "mqueue", "devpts", "securityfs", "debugfs", "tracefs", "pstore", "efivarfs", "fusectl", "binfmt_misc",
        };
        _cleanup_free_ char *copy = strdup(value), *device = NULL;
        char *fields[6] = {}, *more = copy, *word;
        size_t n = 0;
        int r;

        if (!copy)
                return -ENOMEM;
        while (n < ELEMENTSOF(fields) && (word = strsep(&more, " ")))
                if (*word)
                        fields[n++] = word;
        if (n < 3)
                return FOREIGN_LEFT_OUT;
        for (size_t i = 0; i < ELEMENTSOF(kernel); i++)
                if (streq(fields[2], kernel[i]))
                        return 0;
        if (startswith(fields[0], "/sys/") || startswith(fields[0], "/proc/"))
                return 0;
        fields[1] += strspn(fields[1], "/");
        if (!streq(fields[2], "tmpfs"))
                return foreign_note(f, "'%s' of the host, which it had at '/%s', is not lent to it: 'berthctl device add NAME DEVICE disk Source=%s Path=/%s' does that.",
                                    fields[0], fields[1], fields[0], fields[1]);
        if (asprintf(&device, "tmpfs%zu", strv_length(f->settings)) < 0)
                return device = NULL, -ENOMEM;
        for (size_t i = 0; i < 3; i++) {
                const char *const keys[][2] = { { "Type", "disk" }, { "Source", "tmpfs" }, { "Path", fields[1] } };
                _cleanup_free_ char *key = NULL;

                if (asprintf(&key, "Device.%s.%s", device, keys[i][0]) < 0)
                        return key = NULL, -ENOMEM;
                r = foreign_setf(f, key, i == 2 ? "/%s" : "%s", keys[i][1]);
                if (r != 0)
                        return r;
        }
        return 0;
}

/* What LXC ships for every container is so here anyway. All else would be a file that is opened because another file says so. */
static int map_include(Foreign *f, const char *setting, const char *rest, const char *value) {
        static const char *const known[] = { "common.conf", "userns.conf", "common.conf.d/" };
        const char *name = startswith(value, "/usr/share/lxc/config/");

        if (name && streq(name, "nesting.conf"))
                return foreign_note(f, "Containers ran inside of it: 'berthctl set NAME Nesting=yes' allows that.");
        for (size_t i = 0; name && i < ELEMENTSOF(known); i++)
                if (endswith(name, known[i]))
                        return 0;
        return foreign_note(f, "The file '%s' that it includes was not read.", value);
}

static const ForeignKey keys[] = {
        { "lxc.uts.name", "Hostname", NULL },
        { "lxc.utsname", "Hostname", NULL },
        { "lxc.rootfs.path", NULL, map_rootfs },
        { "lxc.rootfs", NULL, map_rootfs },
        { "lxc.net.", NULL, map_net },
        { "lxc.network.", NULL, map_network },
        { "lxc.environment", NULL, foreign_map_environment },
        { "lxc.init.cmd", "Init", NULL },
        { "lxc.init_cmd", "Init", NULL },
        { "lxc.init.cwd", "WorkingDirectory", NULL },
        { "lxc.signal.halt", "KillSignal", NULL },
        { "lxc.haltsignal", "KillSignal", NULL },
        { "lxc.no_new_privs", "NoNewPrivileges", foreign_map_yes },
        { "lxc.cap.drop", NULL, map_cap_drop },
        { "lxc.prlimit.", NULL, map_prlimit },
        { "lxc.mount.entry", NULL, map_mount },
        { "lxc.start.auto", "Autostart", foreign_map_yes },
        { "lxc.start.delay", "AutostartDelaySec", NULL },
        { "lxc.include", NULL, map_include },
        { "lxc.cgroup2.memory.max", "MemoryMax", foreign_map_size },
        { "lxc.cgroup2.memory.high", "MemoryHigh", foreign_map_size },
        { "lxc.cgroup2.memory.swap.max", "MemorySwapMax", foreign_map_size },
        { "lxc.cgroup2.cpu.max", NULL, map_cpu_max },
        { "lxc.cgroup2.cpu.weight", "CPUWeight", NULL },
        { "lxc.cgroup2.cpuset.cpus", "AllowedCPUs", NULL },
        { "lxc.cgroup2.cpuset.mems", "AllowedMemoryNodes", NULL },
        { "lxc.cgroup2.io.weight", "IOWeight", map_io_weight },
        { "lxc.cgroup2.pids.max", "TasksMax", map_pids },
        { "lxc.cgroup.memory.limit_in_bytes", "MemoryMax", foreign_map_size },
        { "lxc.cgroup.memory.soft_limit_in_bytes", "MemoryHigh", foreign_map_size },
        { "lxc.cgroup.cpu.cfs_quota_us", "quota", map_time },
        { "lxc.cgroup.cpu.cfs_period_us", "period", map_time },
        { "lxc.cgroup.cpu.shares", "CPUWeight", map_shares },
        { "lxc.cgroup.cpuset.cpus", "AllowedCPUs", NULL },
        { "lxc.cgroup.cpuset.mems", "AllowedMemoryNodes", NULL },
        { "lxc.cgroup.pids.max", "TasksMax", map_pids },
        /* What they ask for is so anyway, or is seen from the files themselves. */
        { "lxc.arch", NULL, NULL },
        { "lxc.idmap", NULL, NULL },
        { "lxc.id_map", NULL, NULL },
        { "lxc.mount.auto", NULL, NULL },
        { "lxc.autodev", NULL, NULL },
};

static int read_line(Foreign *f, char *line, unsigned number, char **ret_error) {
        char *equals = strchr(line, '='), *value;

        if (!equals || !startswith(line, "lxc."))
                return asprintf(ret_error, "line %u is no assignment to a key of LXC", number) < 0 ? -ENOMEM : -EBADMSG;
        value = equals + 1 + strspn(equals + 1, " ");
        while (equals > line && strchr(" ", equals[-1]))
                equals--;
        *equals = 0;
        return *value ? foreign_map(f, keys, ELEMENTSOF(keys), line, line, value) : 0;
}

int foreign_parse_lxc(Foreign *f, const void *data, size_t size, char **ret_error) {
        int r;

        r = foreign_lines(data, size, read_line, f, ret_error);
        return r < 0 ? r : foreign_finish(f);
}
