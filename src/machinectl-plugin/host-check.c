/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/host-check.h"

#include <fcntl.h>
#include <glob.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/apparmor.h"
#include "shared/bus-names.h"

#define KERNEL_FILE_MAX 65536U
#define CGROUP_ROOT "/sys/fs/cgroup"
/* Fewer are soon used up by a few systems, each of whose daemons wants some of one user's. */
#define INOTIFY_INSTANCES_WANTED 1024U
#define YEAR_2025 1735689600

static const char *const result_names[_CHECK_RESULT_MAX] = { [CHECK_OK] = "ok", [CHECK_MISSING] = "missing", [CHECK_UNKNOWN] = "unknown" };

const char *check_result_to_string(CheckResult r) {
        return result_names[r];
}

static CheckResult say(CheckResult result, char **ret_detail, const char *format, ...) _printf_(3, 4);
static CheckResult say(CheckResult result, char **ret_detail, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (vasprintf(ret_detail, format, ap) < 0)
                *ret_detail = NULL;
        va_end(ap);
        return result;
}

static CheckResult from_trial(int r, char **ret_detail) {
        if (r >= 0)
                return CHECK_OK;
        /* Others have no range of ids to try it with, and too few rights. */
        if (geteuid() != 0)
                return say(CHECK_UNKNOWN, ret_detail, "only root can try");
        return say(CHECK_MISSING, ret_detail, "%s", strerror(-r));
}

/* "": it cannot be read. Owned by the caller. */
static char *read_line(const char *path) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        char *text = NULL;

        if (fd < 0 || fd_read_string(fd, KERNEL_FILE_MAX, &text, NULL) < 0)
                return strdup("");
        text[strcspn(text, "\n")] = 0;
        return text;
}

static CheckResult look_systemd(_unused_ Ctl *c, char **ret_detail) {
        return access("/run/systemd/system", F_OK) >= 0 ? CHECK_OK : say(CHECK_MISSING, ret_detail, "PID 1 is not systemd");
}

/* What is missing is said in the table. */
static int connect_quietly(Ctl *c) {
        return c->bus ? 0 : sd_bus_open_system(&c->bus);
}

static CheckResult look_manager(Ctl *c, char **ret_detail) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *version = NULL;
        int r = connect_quietly(c);

        if (r >= 0)
                r = sd_bus_get_property_string(c->bus, BERTH_BUS_NAME, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, "Version", &error, &version);
        return r < 0 ? say(CHECK_MISSING, ret_detail, "%s", error.message ?: strerror(-r)) : say(CHECK_OK, ret_detail, "berth %s", version);
}

static CheckResult look_userns(_unused_ Ctl *c, char **ret_detail) {
        _cleanup_free_ char *max = read_line("/proc/sys/user/max_user_namespaces");
        CheckResult result = from_trial(trial_user_namespace(), ret_detail);
        uint64_t n;

        if (result == CHECK_OK && max && parse_u64(max, UINT64_MAX, &n) >= 0)
                return say(n < 100 ? CHECK_MISSING : CHECK_OK, ret_detail, "at most %s", max);
        return result;
}

static CheckResult look_namespaces(_unused_ Ctl *c, char **ret_detail) {
        return from_trial(trial_namespaces(), ret_detail);
}

static CheckResult look_overlay(_unused_ Ctl *c, char **ret_detail) {
        return from_trial(trial_overlay(), ret_detail);
}

static CheckResult look_idmap(_unused_ Ctl *c, char **ret_detail) {
        return from_trial(trial_idmap(access(BERTH_STATE_DIR, F_OK) >= 0 ? BERTH_STATE_DIR : "/var/lib"), ret_detail);
}

static CheckResult look_cgroup(_unused_ Ctl *c, char **ret_detail) {
        struct statfs fs;

        if (statfs(CGROUP_ROOT, &fs) < 0)
                return say(CHECK_MISSING, ret_detail, "%s", strerror(errno));
        return fs.f_type == CGROUP2_SUPER_MAGIC ? CHECK_OK : say(CHECK_MISSING, ret_detail, "the host uses version 1, or both");
}

static CheckResult look_controllers(_unused_ Ctl *c, char **ret_detail) {
        _cleanup_free_ char *there = read_line(CGROUP_ROOT "/cgroup.controllers"), *padded = NULL;
        char missing[64] = "";

        if (!there || asprintf(&padded, " %s ", there) < 0)
                return CHECK_UNKNOWN;
        for (const char *const *k = (const char *const[]) { "cpu", "cpuset", "io", "memory", "pids", NULL }; *k; k++) {
                char word[16];
                size_t n = strlen(missing);

                snprintf(word, sizeof word, " %s ", *k);
                if (!strstr(padded, word))
                        snprintf(missing + n, sizeof missing - n, " %s", *k);
        }
        return *missing ? say(CHECK_MISSING, ret_detail, "not there:%s", missing) : say(CHECK_OK, ret_detail, "%s", there);
}

static CheckResult look_swap(_unused_ Ctl *c, char **ret_detail) {
        return access(CGROUP_ROOT "/init.scope/memory.swap.max", F_OK) >= 0 || access(CGROUP_ROOT "/system.slice/memory.swap.max", F_OK) >= 0 ? CHECK_OK
                : say(CHECK_MISSING, ret_detail, "it is not counted");
}

static CheckResult look_seccomp(_unused_ Ctl *c, char **ret_detail) {
        return from_trial(trial_seccomp_notify(), ret_detail);
}

static CheckResult look_apparmor(_unused_ Ctl *c, char **ret_detail) {
        switch (apparmor_state()) {
        case APPARMOR_NONE:
                return say(CHECK_MISSING, ret_detail, "not enabled in this kernel, or not to be administrated here");
        case APPARMOR_CONFINES:
                return say(CHECK_MISSING, ret_detail, "this host is confined by a profile and can load none; containers need AppArmorProfile=unconfined");
        case APPARMOR_OURS:
                break;
        }
        return access("/usr/sbin/apparmor_parser", X_OK) >= 0 ? CHECK_OK : say(CHECK_MISSING, ret_detail, "there is no apparmor_parser(8): no new container can be started");
}

static CheckResult look_links(_unused_ Ctl *c, char **ret_detail) {
        return from_trial(trial_links(), ret_detail);
}

static CheckResult look_nftables(_unused_ Ctl *c, char **ret_detail) {
        int r = trial_nftables();

        return r == 127 ? say(CHECK_MISSING, ret_detail, "there is no nft(8)") : from_trial(r, ret_detail);
}

/* Started if need be: a service that is there and does not come is as one that is not there. */
static CheckResult look_service(Ctl *c, const char *name, char **ret_detail) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = connect_quietly(c);

        if (r >= 0)
                r = sd_bus_call_method(c->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "StartServiceByName", &error,
                                       NULL, "su", name, 0U);
        return r < 0 ? say(CHECK_MISSING, ret_detail, "%s", error.message ?: strerror(-r)) : CHECK_OK;
}

static CheckResult look_machined(Ctl *c, char **ret_detail) {
        return look_service(c, "org.freedesktop.machine1", ret_detail);
}

static CheckResult look_polkit(Ctl *c, char **ret_detail) {
        return look_service(c, "org.freedesktop.PolicyKit1", ret_detail);
}

/* Not by its name on the bus, at which it would be started. */
static CheckResult look_networkd(_unused_ Ctl *c, char **ret_detail) {
        return access("/run/systemd/netif/state", F_OK) >= 0 ? CHECK_OK : say(CHECK_MISSING, ret_detail, "it does not run");
}

static CheckResult look_nss(_unused_ Ctl *c, char **ret_detail) {
        _cleanup_fclose_ FILE *f = fopen("/etc/nsswitch.conf", "re");
        char line[1024];
        glob_t found = {};
        bool library;

        library = glob("/usr/lib/*/libnss_mymachines.so.2", 0, NULL, &found) == 0;
        globfree(&found);
        if (!library && access("/usr/lib64/libnss_mymachines.so.2", F_OK) < 0)
                return say(CHECK_MISSING, ret_detail, "it is not installed");
        while (f && fgets(line, sizeof line, f))
                if (startswith(line, "hosts:") && strstr(line, "mymachines"))
                        return CHECK_OK;
        return say(CHECK_MISSING, ret_detail, "/etc/nsswitch.conf does not name it");
}

static CheckResult look_lxcfs(_unused_ Ctl *c, char **ret_detail) {
        struct statfs fs;

        return statfs("/var/lib/lxcfs", &fs) >= 0 && fs.f_type == FUSE_SUPER_MAGIC ? CHECK_OK : say(CHECK_MISSING, ret_detail, "it does not run");
}

static CheckResult look_inotify(_unused_ Ctl *c, char **ret_detail) {
        _cleanup_free_ char *max = read_line("/proc/sys/fs/inotify/max_user_instances");
        uint64_t n;

        if (!max || parse_u64(max, UINT64_MAX, &n) < 0)
                return CHECK_UNKNOWN;
        return say(n < INOTIFY_INSTANCES_WANTED ? CHECK_MISSING : CHECK_OK, ret_detail, "%s for a user", max);
}

static CheckResult look_fuse(_unused_ Ctl *c, char **ret_detail) {
        struct stat st;

        return stat("/dev/fuse", &st) >= 0 && S_ISCHR(st.st_mode) ? CHECK_OK : say(CHECK_MISSING, ret_detail, "there is no /dev/fuse");
}

static CheckResult look_clock(_unused_ Ctl *c, char **ret_detail) {
        return time(NULL) >= YEAR_2025 ? CHECK_OK : say(CHECK_MISSING, ret_detail, "it is in the past");
}

static CheckResult look_random(_unused_ Ctl *c, char **ret_detail) {
        uint8_t byte;

        return getrandom(&byte, 1, GRND_NONBLOCK) == 1 ? CHECK_OK : say(CHECK_MISSING, ret_detail, "the kernel has none yet");
}

static CheckResult look_moves(_unused_ Ctl *c, char **ret_detail) {
        _cleanup_free_ char *expedited = read_line("/sys/kernel/rcu_expedited"), *mounts = NULL;
        _cleanup_close_ int dir = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (expedited && streq(expedited, "1"))
                return CHECK_OK;
        if (dir >= 0 && path_read(dir, "mountinfo", 4U * 1024 * 1024, &mounts, NULL) >= 0 && strstr(mounts, "favordynmods"))
                return CHECK_OK;
        return say(CHECK_MISSING, ret_detail, "each waits for 8 to 20 ms");
}

const Check check_table[] = {
        { "systemd", true, "systemd is PID 1", look_systemd, "No container can be started.", "Boot the host with systemd." },
        { "manager", true, "The manager answers", look_manager, "berthctl can do nothing; what runs goes on.", "See 'systemctl status berth-containerd'." },
        { "user-namespaces", true, "User namespaces", look_userns, "No container can be started.",
          "sysctl user.max_user_namespaces=15000; a kernel with CONFIG_USER_NS" },
        { "namespaces", true, "Namespaces of all other kinds", look_namespaces, "No container can be started.",
          "A kernel with CONFIG_PID_NS, NET_NS, IPC_NS, UTS_NS, CGROUPS; sysctl user.max_net_namespaces=15000 and its like" },
        { "overlayfs", true, "overlayfs in a user namespace, with userxattr", look_overlay, "No container can be started.",
          "modprobe overlay; Linux 5.11 or later" },
        { "idmapped-mounts", true, "Idmapped mounts of the store's file system", look_idmap, "No container can be started.",
          "Put /var/lib/berth on ext4, xfs or btrfs; Linux 5.12 or later" },
        { "cgroup2", true, "cgroup version 2 alone", look_cgroup, "No container can be started.", "Boot with systemd.unified_cgroup_hierarchy=1" },
        { "seccomp-notify", true, "System call filters, and their notification", look_seccomp, "No container can be started.",
          "A kernel with CONFIG_SECCOMP_FILTER, 5.0 or later" },
        { "controllers", false, "Controllers of cgroups", look_controllers, "Limits of what they control are refused, and 'berthctl top' shows '-'.",
          "Boot with cgroup_enable=memory where memory is missing; nothing else, such as a cgroup 1 mount, may hold them" },
        { "swap", false, "Swap is counted", look_swap, "MemorySwapMax= has no effect.", "Boot with swapaccount=1; see 'controllers'" },
        { "apparmor", false, "AppArmor", look_apparmor, "Containers run without a profile of their own; settings that need one are refused.",
          "apt install apparmor; boot with security=apparmor apparmor=1" },
        { "links", false, "veth and bridge", look_links, "Containers have no network interface on a bridge.", "modprobe veth bridge" },
        { "nftables", false, "nftables, and nft(8)", look_nftables, "Limits and filters of network interfaces are refused.", "apt install nftables" },
        { "networkd", false, "systemd-networkd", look_networkd, "The bridge berthbr0 is served in a simpler way: see berth.container(5).",
          "systemctl enable --now systemd-networkd" },
        { "machined", false, "systemd-machined", look_machined, "machinectl, journalctl -M and systemctl -M do not know containers.",
          "apt install systemd-container" },
        { "nss-mymachines", false, "Names of containers for the host", look_nss, "Containers are reached by their addresses, not by their names.",
          "apt install libnss-mymachines" },
        { "polkit", false, "polkit", look_polkit, "Only root may use berthctl for what changes something.", "apt install polkitd" },
        { "lxcfs", false, "lxcfs", look_lxcfs, "free, uptime and the like in containers tell the host's figures.", "apt install lxcfs" },
        { "inotify", false, "Room for inotify", look_inotify, "Programs in many containers run out of inotify instances.",
          "sysctl fs.inotify.max_user_instances=8192" },
        { "fuse", false, "FUSE", look_fuse, "File systems of users cannot be mounted in containers.", "modprobe fuse" },
        { "clock", false, "The clock is right", look_clock, "Certificates are refused, and images seem to come from the future.", "timedatectl set-ntp yes" },
        { "random", false, "Random numbers", look_random, "Making a container waits.", "Wait, or give the machine a virtio-rng" },
        { "cgroup-moves", false, "Fast moves between cgroups", look_moves, "Each start takes that much longer.",
          "echo 1 >/sys/kernel/rcu_expedited; or mount cgroup2 with favordynmods" },
};
const size_t check_table_size = ELEMENTSOF(check_table);
