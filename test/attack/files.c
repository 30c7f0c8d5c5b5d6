/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Files of the kernel that are the host's: as they are, with what lies over them taken away, in file systems mounted anew, and the same as root of
 * a new user namespace. To be able to open one for writing is enough; what can be read must have something in it. */

typedef enum { WRITE, READ, LIST } How;

typedef struct File {
        const char *row, *path;
        How how;
        bool plain; /* every user of the host may read it: what is laid over it keeps it out of sight and is no border */
} File;

#define W(path) { "S28", path, WRITE }
static const File files[] = {
        W("/proc/sys/kernel/core_pattern"), W("/proc/sys/kernel/core_pipe_limit"), W("/proc/sys/kernel/core_uses_pid"), W("/proc/sys/kernel/modprobe"),
        W("/proc/sys/kernel/modules_disabled"), W("/proc/sys/kernel/hotplug"), W("/proc/sys/kernel/sysrq"), W("/proc/sys/kernel/panic"),
        W("/proc/sys/kernel/panic_on_oops"), W("/proc/sys/kernel/panic_on_warn"), W("/proc/sys/kernel/randomize_va_space"), W("/proc/sys/kernel/kptr_restrict"),
        W("/proc/sys/kernel/dmesg_restrict"), W("/proc/sys/kernel/perf_event_paranoid"), W("/proc/sys/kernel/unprivileged_bpf_disabled"),
        W("/proc/sys/kernel/unprivileged_userns_clone"), W("/proc/sys/kernel/yama/ptrace_scope"), W("/proc/sys/kernel/kexec_load_disabled"),
        W("/proc/sys/kernel/threads-max"), W("/proc/sys/kernel/printk"), W("/proc/sys/kernel/printk_ratelimit"), W("/proc/sys/kernel/poweroff_cmd"),
        W("/proc/sys/kernel/ctrl-alt-del"), W("/proc/sys/kernel/cad_pid"), W("/proc/sys/kernel/tainted"), W("/proc/sys/kernel/usermodehelper/bset"),
        W("/proc/sys/kernel/usermodehelper/inheritable"), W("/proc/sys/kernel/sched_rt_runtime_us"), W("/proc/sys/kernel/numa_balancing"),
        W("/proc/sys/kernel/hung_task_timeout_secs"), W("/proc/sys/kernel/watchdog"), W("/proc/sys/kernel/nmi_watchdog"), W("/proc/sys/kernel/stack_tracer_enabled"),
        W("/proc/sys/kernel/ftrace_enabled"), W("/proc/sys/kernel/acct"), W("/proc/sys/kernel/keys/maxkeys"), W("/proc/sys/kernel/keys/root_maxkeys"),
        W("/proc/sys/kernel/pty/max"), W("/proc/sys/kernel/random/write_wakeup_threshold"), W("/proc/sys/kernel/io_uring_disabled"),
        W("/proc/sys/kernel/oops_limit"), W("/proc/sys/kernel/warn_limit"), W("/proc/sys/kernel/latencytop"), W("/proc/sys/kernel/perf_event_max_sample_rate"),
        W("/proc/sys/kernel/bpf_stats_enabled"), 
        W("/proc/sys/fs/suid_dumpable"), W("/proc/sys/fs/protected_symlinks"), W("/proc/sys/fs/protected_hardlinks"), W("/proc/sys/fs/protected_fifos"),
        W("/proc/sys/fs/protected_regular"), W("/proc/sys/fs/file-max"), W("/proc/sys/fs/nr_open"), W("/proc/sys/fs/pipe-max-size"), W("/proc/sys/fs/pipe-user-pages-hard"),
        W("/proc/sys/fs/mount-max"), W("/proc/sys/fs/aio-max-nr"), W("/proc/sys/fs/inotify/max_user_instances"), W("/proc/sys/fs/inotify/max_user_watches"),
        W("/proc/sys/fs/inotify/max_queued_events"), W("/proc/sys/fs/leases-enable"), W("/proc/sys/fs/lease-break-time"), W("/proc/sys/fs/binfmt_misc/register"),
        W("/proc/sys/fs/binfmt_misc/status"), W("/proc/sys/fs/epoll/max_user_watches"), W("/proc/sys/fs/fanotify/max_user_groups"),
        W("/proc/sys/vm/overcommit_memory"), W("/proc/sys/vm/drop_caches"), W("/proc/sys/vm/mmap_min_addr"), W("/proc/sys/vm/panic_on_oom"), W("/proc/sys/vm/swappiness"),
        W("/proc/sys/vm/dirty_ratio"), W("/proc/sys/vm/oom_kill_allocating_task"), W("/proc/sys/vm/oom_dump_tasks"), W("/proc/sys/vm/min_free_kbytes"),
        W("/proc/sys/vm/max_map_count"), W("/proc/sys/vm/nr_hugepages"), W("/proc/sys/vm/compact_memory"), W("/proc/sys/vm/unprivileged_userfaultfd"),
        W("/proc/sys/vm/block_dump"), W("/proc/sys/debug/exception-trace"), W("/proc/sys/dev/tty/ldisc_autoload"), W("/proc/sys/dev/tty/legacy_tiocsti"),
        W("/proc/sys/dev/cdrom/autoeject"), W("/proc/sys/net/core/bpf_jit_enable"), W("/proc/sys/net/core/netdev_max_backlog"), W("/proc/sys/net/netfilter/nf_conntrack_max"),
        W("/proc/sys/net/ipv4/tcp_mem"), W("/proc/sys/net/ipv4/udp_mem"), W("/proc/sys/sunrpc/rpc_debug"),
        W("/proc/irq/default_smp_affinity"), W("/proc/mtrr"), W("/proc/acpi/wakeup"), W("/proc/scsi/scsi"), W("/proc/bus/pci/00/00.0"),
        W("/sys/kernel/uevent_helper"), W("/sys/kernel/uevent_seqnum"), W("/sys/kernel/profiling"), W("/sys/kernel/kexec_crash_size"), W("/sys/kernel/rcu_expedited"),
        W("/sys/kernel/mm/transparent_hugepage/enabled"), W("/sys/kernel/mm/ksm/run"), W("/sys/kernel/mm/lru_gen/enabled"), W("/sys/power/state"), W("/sys/power/disk"),
        W("/sys/module/kernel/parameters/panic"), W("/sys/module/printk/parameters/time"), W("/sys/module/kernel/parameters/initcall_debug"),
        W("/sys/devices/system/cpu/cpu1/online"), W("/sys/devices/system/memory/probe"), W("/sys/bus/pci/rescan"), W("/sys/bus/cpu/drivers_autoprobe"),
        W("/sys/class/block/loop0/uevent"), W("/sys/devices/virtual/tty/tty0/uevent"), W("/sys/class/mem/null/uevent"), W("/sys/fs/cgroup/../selinux/enforce"),

        { "S29", "/proc/sysrq-trigger", WRITE }, { "S29", "/proc/kcore", READ }, { "S29", "/proc/kallsyms", READ }, { "S29", "/proc/kmsg", READ },
        { "S29", "/proc/kpagecount", READ }, { "S29", "/proc/kpageflags", READ }, { "S29", "/proc/kpagecgroup", READ }, { "S29", "/proc/keys", READ },
        { "S29", "/proc/key-users", READ }, { "S29", "/proc/timer_list", READ }, { "S29", "/proc/timer_stats", READ }, { "S29", "/proc/sched_debug", READ },
        { "S29", "/proc/latency_stats", READ }, { "S29", "/proc/slabinfo", READ }, { "S29", "/proc/vmallocinfo", READ }, { "S29", "/proc/pagetypeinfo", READ },
        { "S29", "/proc/iomem", READ }, { "S29", "/proc/config.gz", READ, true }, { "S29", "/proc/acpi", LIST, true }, { "S29", "/proc/scsi", LIST },
        { "S29", "/proc/asound", LIST },
        { "S29", "/sys/firmware", LIST, true }, { "S29", "/sys/firmware/acpi/tables/DSDT", READ }, { "S29", "/sys/firmware/efi/efivars", LIST }, { "S29", "/sys/firmware/dmi/tables/DMI", READ },
        { "S29", "/sys/kernel/debug", LIST }, { "S29", "/sys/kernel/tracing", LIST }, { "S29", "/sys/kernel/config", LIST },
        { "S29", "/sys/fs/pstore", LIST }, { "S29", "/sys/fs/bpf", LIST }, { "S29", "/sys/kernel/mm/page_idle/bitmap", READ },
        { "S29", "/sys/class/dmi/id/product_serial", READ },
        { "S29", "/dev/mem", READ }, { "S29", "/dev/port", READ }, { "S30", "/dev/kmsg", WRITE }, { "S30", "/dev/kmsg", READ },
        { "S29", "/dev/sda", READ }, { "S29", "/dev/vda", READ }, { "S29", "/dev/loop-control", WRITE }, { "S29", "/dev/nvme0", READ },
        { "S29", "/dev/kvm", WRITE }, { "S29", "/dev/fuse", WRITE }, { "S29", "/dev/cpu/0/msr", READ }, { "S29", "/dev/snapshot", READ },
};

/* paths: of all these, for whoever wants to look at them before and after. */
void topic_paths(char **arguments) {
        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
                printf("%s\n", files[i].path);
}

/* An address that is not 0 is worth something. */
static bool tells_addresses(const char *data, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (i == 0 || data[i - 1] == '\n')
                        for (size_t j = i; j < size && isxdigit((unsigned char) data[j]); j++)
                                if (data[j] != '0')
                                        return true;
        return false;
}

static bool lists_anything(int fd) {
        char data[4096];
        ssize_t n = syscall(SYS_getdents64, fd, data, sizeof data);

        /* "." and ".." take 48 bytes. */
        return n > 48;
}

/* 0, or the errno */
static int try_file(const File *f, const char *root) {
        char path[512], data[4096];
        ssize_t n;
        int fd;

        (void) snprintf(path, sizeof path, "%s%s", root, f->path);
        fd = open(path, (f->how == WRITE ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return errno;
        if (f->how == WRITE)
                return 0;
        if (f->how == LIST)
                return lists_anything(fd) ? 0 : ENODATA;
        n = read(fd, data, sizeof data);
        if (n < 0)
                return errno;
        if (n > 0 && (strstr(f->path, "kallsyms") || strstr(f->path, "iomem")))
                return tells_addresses(data, (size_t) n) ? 0 : ENODATA;
        /* /proc/keys of somebody without any is empty; /dev/null over something as well. */
        return n > 0 ? 0 : ENODATA;
}

static void uncover(const char *path) {
        char part[512];

        (void) snprintf(part, sizeof part, "%s", path);
        /* What lies over it, and over each directory above it; the file system itself, whose name is the first part, stays. */
        for (char *slash = part + strlen(part); slash && slash != part; slash = strrchr(part, '/')) {
                *slash = '\0';
                if (strchr(part + 1, '/')) {
                        (void) mount(NULL, part, NULL, MS_REMOUNT | MS_BIND, NULL);
                        (void) umount2(part, MNT_DETACH);
                }
        }
        (void) umount2(path, MNT_DETACH);
        (void) mount(NULL, "/proc", NULL, MS_REMOUNT, NULL);
        (void) mount(NULL, "/sys", NULL, MS_REMOUNT, NULL);
        (void) mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND, NULL);
        (void) mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND, NULL);
}

/* proc and sysfs mounted anew below /tmp, in a mount namespace that goes with us. */
static int mount_anew(char root[static 64]) {
        static const struct { const char *type, *at; } systems[] = {
                { "proc", "proc" }, { "sysfs", "sys" },
        };
        char path[128];
        bool any = false;

        (void) strcpy(root, "/tmp");
        if (mount("probe", root, "tmpfs", 0, NULL) < 0)
                return -errno;
        for (size_t i = 0; i < sizeof systems / sizeof systems[0]; i++) {
                (void) snprintf(path, sizeof path, "%s/%s", root, systems[i].at);
                (void) mkdir(path, 0700);
                any = mount(systems[i].type, path, systems[i].type, 0, NULL) >= 0 || any;
        }
        return any ? 0 : -EPERM;
}

typedef struct Way {
        const File *file;
        const char *name;
        int namespaces;
        bool uncover, anew;
} Way;

static bool try_one(const Way *w, const char *root, char detail[static DETAIL_SIZE]) {
        int error = try_file(w->file, root);

        detail_errno(detail, w->name, error);
        return error == 0;
}

static int become_root(void) {
        FILE *f;

        f = fopen("/proc/self/setgroups", "we");
        if (f) {
                (void) fputs("deny", f);
                (void) fclose(f);
        }
        f = fopen("/proc/self/uid_map", "we");
        if (!f)
                return -errno;
        (void) fputs("0 0 1", f);
        return fclose(f) == 0 ? 0 : -errno;
}

static bool try_way(const void *data, char detail[static DETAIL_SIZE]) {
        const Way *w = data;
        char root[64] = "";
        bool open;

        if (unshare(w->namespaces) < 0) {
                detail_errno(detail, w->name, errno);
                return false;
        }
        if (w->namespaces & CLONE_NEWUSER)
                (void) become_root();
        (void) mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
        if (w->uncover)
                uncover(w->file->path);
        if (!w->anew)
                return try_one(w, root, detail);
        /* A new PID namespace has its proc from its first process on; the answer is in its exit status. */
        if (w->namespaces & CLONE_NEWPID) {
                int status;
                pid_t pid = fork();

                if (pid == 0) {
                        int error = mount_anew(root);

                        _exit(error < 0 ? -error : try_file(w->file, root) ?: 255);
                }
                if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFEXITED(status)) {
                        (void) snprintf(detail, DETAIL_SIZE, "%s: no answer", w->name);
                        return false;
                }
                open = WEXITSTATUS(status) == 255;
                detail_errno(detail, w->name, open ? 0 : WEXITSTATUS(status));
                return open;
        }
        if (mount_anew(root) < 0) {
                detail_errno(detail, w->name, EPERM);
                return false;
        }
        return try_one(w, root, detail);
}

/* files [plain]: in all ways; "plain": only as they are. */
void topic_files(char **arguments) {
        bool plain = arguments[0] && strcmp(arguments[0], "plain") == 0;

        for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
                const Way ways[] = {
                        { files + i, "as it is", 0, false, false },
                        { files + i, "uncovered", CLONE_NEWNS, true, false },
                        { files + i, "mounted anew", CLONE_NEWNS, false, true },
                        { files + i, "uncovered in a user namespace", CLONE_NEWUSER | CLONE_NEWNS, true, false },
                        { files + i, "mounted anew in a user namespace", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET, false, true },
                };
                char detail[DETAIL_SIZE] = "", name[256];
                bool open = false;

                for (size_t j = 0; !open && j < (plain || files[i].plain ? 1 : sizeof ways / sizeof ways[0]); j++)
                        open = attempted(try_way, ways + j, detail);
                (void) snprintf(name, sizeof name, "%s:%s", files[i].how == WRITE ? "write" : "read", files[i].path);
                report(open, files[i].row, name, detail);
        }
}
