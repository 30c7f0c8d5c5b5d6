/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* lxc.container.conf(5), with the names of LXC 1 and 2 too. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/foreign.h"
#include "settings/quantity.h"
#include "settings/table.h"

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

static int add_capabilities(const char *value, char ***names) {
        _cleanup_free_ char *copy = strdup(value);
        int r = 0;

        if (!copy)
                return -ENOMEM;
        for (char *p = copy; *p; p++)
                *p = *p >= 'a' && *p <= 'z' ? (char) (*p - 'a' + 'A') : *p;
        for (char *more = copy, *word; r >= 0 && (word = strsep(&more, " "));)
                if (*word)
                        r = strv_extendf(names, "CAP_%s", word);
        return r;
}

static int drop_capabilities(Foreign *f, char *const *names) {
        _cleanup_free_ char *joined = NULL, *all = NULL, *error = NULL;
        int r;

        r = strv_join(names, " ", &joined);
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

/* Capabilities are only ever taken away. */
static int map_cap_drop(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_strv_ char **names = NULL;
        int r;

        r = add_capabilities(value, &names);
        return r < 0 ? r : drop_capabilities(f, names);
}

static int map_cap_keep(Foreign *f, const char *setting, const char *rest, const char *value) {
        return add_capabilities(value, &f->kept_capabilities);
}

/* All but these go, of those that a container has. */
static int finish_capabilities(Foreign *f) {
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ char *copy = NULL;
        const char *all = NULL;
        int r = 0;

        if (!f->kept_capabilities)
                return 0;
        for (size_t i = 0; i < n_settings_table; i++)
                if (streq(settings_table[i].name, "CapabilityBoundingSet"))
                        all = settings_table[i].fallback;
        copy = strdup(all ?: "");
        if (!copy)
                return -ENOMEM;
        for (char *more = copy, *word; r >= 0 && (word = strsep(&more, " "));)
                if (*word && !strv_find(f->kept_capabilities, word))
                        r = strv_extend(&names, word);
        if (r >= 0)
                r = drop_capabilities(f, names);
        return r == FOREIGN_LEFT_OUT ? foreign_leave_out(f, "lxc.cap.keep") : r;
}

static int map_start_auto(Foreign *f, const char *setting, const char *rest, const char *value) {
        int r = parse_bool(value);

        f->starts_at_boot = r > 0;
        return r < 0 ? FOREIGN_LEFT_OUT : 0;
}

static int map_start_order(Foreign *f, const char *setting, const char *rest, const char *value) {
        bool minus = *value == '-';
        uint64_t v;

        if (parse_u64(value + minus, INT32_MAX, &v) < 0)
                return FOREIGN_LEFT_OUT;
        f->start_order = minus ? -(int64_t) v : (int64_t) v;
        return 0;
}

static int map_group(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_free_ char *copy = strdup(value);
        int r = 0;

        if (!copy)
                return -ENOMEM;
        for (char *more = copy, *word; r >= 0 && (word = strsep(&more, " "));)
                if (*word)
                        r = strv_extend(&f->groups, word);
        return r;
}

/* As Debian's lxc.service starts them: first those of the group "onboot", then those of no group, both in their order, of which 0 is the usual one, and never others. So
 * whoever starts at boot has a priority, or those that say nothing would change places with those that do. */
static int finish_autostart(Foreign *f) {
        bool onboot = strv_find(f->groups, "onboot");
        int r;

        if (!f->starts_at_boot)
                return 0;
        if (f->groups && !onboot)
                return foreign_note(f, "It is in the group '%s', which nothing starts at boot: 'berthctl enable NAME' has it started.", f->groups[0]);
        r = foreign_set(f, "Autostart", "yes");
        if (r >= 0)
                r = foreign_setf(f, "AutostartPriority", "%lld", (long long) ((onboot ? 7500 : 2500) - MIN_OF(MAX_OF(f->start_order, INT64_C(-2499)), INT64_C(2499))));
        return r;
}

static int map_init_id(Foreign *f, const char *setting, const char *rest, const char *value) {
        return free_and_strdup(streq(setting, "uid") ? &f->init_uid : &f->init_gid, value);
}

static int finish_user(Foreign *f) {
        int r;

        if ((!f->init_uid || streq(f->init_uid, "0")) && (!f->init_gid || streq(f->init_gid, "0")))
                return 0;
        r = foreign_setf(f, "User", "%s:%s", f->init_uid ?: "0", f->init_gid ?: "0");
        return r == FOREIGN_LEFT_OUT ? foreign_leave_out(f, "lxc.init.uid") : r;
}

/* Of both together, where berth's is of swap alone. */
static int map_memory(Foreign *f, const char *setting, const char *rest, const char *value) {
        uint64_t *bytes = setting ? &f->memory_bytes : &f->memory_swap_bytes;

        if (parse_size(value, bytes) < 0)
                *bytes = 0;
        return setting ? foreign_map_size(f, setting, rest, value) : *bytes > 0 || streq(value, "-1") ? 0 : FOREIGN_LEFT_OUT;
}

static int finish_swap(Foreign *f) {
        int r;

        if (f->memory_swap_bytes == 0 || f->memory_bytes == 0 || f->memory_swap_bytes < f->memory_bytes || f->memory_swap_bytes > INT64_MAX - 4096)
                return 0;
        r = foreign_setf(f, "MemorySwapMax", "%llu", (unsigned long long) (f->memory_swap_bytes - f->memory_bytes));
        return r == FOREIGN_LEFT_OUT ? foreign_leave_out(f, "lxc.cgroup.memory.memsw.limit_in_bytes") : r;
}

/* 500 of 10 to 1000 was what blkio gave who said nothing. */
static int map_blkio_weight(Foreign *f, const char *setting, const char *rest, const char *value) {
        uint64_t v;

        if (parse_u64(value, 1000, &v) < 0 || v < 10)
                return FOREIGN_LEFT_OUT;
        return foreign_setf(f, setting, "%llu", (unsigned long long) (v / 5));
}

/* berth makes a profile for each, too. */
static int map_apparmor(Foreign *f, const char *setting, const char *rest, const char *value) {
        return streq(value, "generated") ? 0 : FOREIGN_LEFT_OUT;
}

static int map_fstab(Foreign *f, const char *setting, const char *rest, const char *value) {
        return foreign_note(f, "The mounts that the file '%s' lists were not read.", value);
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
                { "type", &n->type }, { "veth.mode", &n->mode }, { "link", &n->link }, { "name", &n->name }, { "hwaddr", &n->mac }, { "mtu", &n->mtu },
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
        _cleanup_free_ char *copy = strdup(value), *path = NULL;
        char *fields[6] = {}, *more = copy, *word;
        const char *rootfs, *below;
        size_t n = 0;

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
        /* An absolute one has the root file system's path in front. */
        rootfs = f->rootfs ? startswith(f->rootfs, "dir:") ?: f->rootfs : NULL;
        below = rootfs ? startswith(fields[1], rootfs) : NULL;
        if (below && *below == '/')
                fields[1] += strlen(rootfs);
        fields[1] += strspn(fields[1], "/");
        if (!streq(fields[2], "tmpfs"))
                return foreign_note(f, "'%s' of the host, which it had at '/%s', is not lent to it: 'berthctl device add NAME DEVICE disk Source=%s Path=/%s' does that.",
                                    fields[0], fields[1], fields[0], fields[1]);
        /* There in every container. */
        if (streq(fields[1], "dev/shm") || streq(fields[1], "run"))
                return 0;
        if (asprintf(&path, "/%s", fields[1]) < 0)
                return path = NULL, -ENOMEM;
        return foreign_add_tmpfs(f, path, fields[3] ?: "", "1777");
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
        { "lxc.cap.keep", NULL, map_cap_keep },
        { "lxc.init.uid", "uid", map_init_id },
        { "lxc.init.gid", "gid", map_init_id },
        { "lxc.prlimit.", NULL, map_prlimit },
        { "lxc.mount.entry", NULL, map_mount },
        { "lxc.mount.fstab", NULL, map_fstab },
        { "lxc.mount", NULL, map_fstab },
        { "lxc.start.auto", NULL, map_start_auto },
        { "lxc.start.delay", "AutostartDelaySec", NULL },
        { "lxc.start.order", NULL, map_start_order },
        { "lxc.group", NULL, map_group },
        { "lxc.apparmor.profile", NULL, map_apparmor },
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
        { "lxc.cgroup.memory.limit_in_bytes", "MemoryMax", map_memory },
        { "lxc.cgroup.memory.memsw.limit_in_bytes", NULL, map_memory },
        { "lxc.cgroup.blkio.weight", "IOWeight", map_blkio_weight },
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

/* A key without a value takes back what lines before it have said. */
static int take_back(Foreign *f, const char *key) {
        if (streq(key, "lxc.cap.drop"))
                foreign_forget(f, "CapabilityBoundingSet");
        else if (streq(key, "lxc.cap.keep"))
                f->kept_capabilities = strv_free(f->kept_capabilities);
        else if (streq(key, "lxc.group"))
                f->groups = strv_free(f->groups);
        else if (streq(key, "lxc.net") || streq(key, "lxc.network"))
                foreign_forget_interfaces(f);
        return 0;
}

static int read_line(Foreign *f, char *line, unsigned number, char **ret_error) {
        char *equals = strchr(line, '='), *value;
        size_t n;

        if (!equals || !startswith(line, "lxc."))
                return asprintf(ret_error, "line %u is no assignment to a key of LXC", number) < 0 ? -ENOMEM : -EBADMSG;
        value = equals + 1 + strspn(equals + 1, " ");
        while (equals > line && strchr(" ", equals[-1]))
                equals--;
        *equals = 0;
        n = strlen(value);
        if (n > 1 && strchr("\"'", *value) && value[n - 1] == *value) {
                value[n - 1] = 0;
                value++;
        }
        return *value ? foreign_map(f, keys, ELEMENTSOF(keys), line, line, value) : take_back(f, line);
}

int foreign_parse_lxc(Foreign *f, const void *data, size_t size, char **ret_error) {
        int r;

        r = foreign_lines(data, size, read_line, f, ret_error);
        if (r >= 0)
                r = finish_capabilities(f);
        if (r >= 0)
                r = finish_user(f);
        if (r >= 0)
                r = finish_swap(f);
        if (r >= 0)
                r = finish_autostart(f);
        return r < 0 ? r : foreign_finish(f);
}
