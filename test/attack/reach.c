/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* What else there is to reach: file systems, devices, cgroups above, sockets, processes. */

/* --- mounts: file systems that show the host, or are parsed by its kernel --- */

typedef struct Mount {
        const char *row, *type, *source, *options;
} Mount;

static const Mount mounts[] = {
        { "S29", "debugfs", "none", NULL },     { "S29", "tracefs", "none", NULL },   { "S29", "securityfs", "none", NULL }, { "S29", "configfs", "none", NULL },
        { "S29", "pstore", "none", NULL },      { "S29", "efivarfs", "none", NULL },  { "S29", "fusectl", "none", NULL },    { "S29", "devtmpfs", "none", NULL },
        { "S29", "selinuxfs", "none", NULL },   { "S29", "resctrl", "none", NULL },   { "S29", "rpc_pipefs", "none", NULL },
        { "S34", "ext4", "/dev/vda", NULL },    { "S34", "xfs", "/dev/vda", NULL },   { "S34", "squashfs", "/dev/vda", NULL },
        { "S25", "cgroup", "none", "none,name=probe" },
        { "S25", "cgroup", "none", "memory" },  { "S25", "cgroup", "none", "rdma" },  { "S25", "cgroup", "none", "misc" },   { "S25", "cgroup", "none", "devices" },
};

typedef struct MountAttempt {
        const Mount *mount;
        bool userns;
} MountAttempt;

static bool do_mount(const void *data, char detail[static DETAIL_SIZE]) {
        const MountAttempt *a = data;
        const Mount *m = a->mount;

        if (unshare(CLONE_NEWNS | (a->userns ? CLONE_NEWUSER | CLONE_NEWCGROUP : 0)) < 0) {
                detail_errno(detail, "unshare", errno);
                return false;
        }
        (void) mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
        if (mount(m->source, "/tmp", m->type, 0, m->options) < 0) {
                detail_errno(detail, a->userns ? "mount in a user namespace" : "mount", errno);
                return false;
        }
        /* CVE-2022-0492: what is executed by the host's root when a cgroup gets empty. */
        if (strcmp(m->type, "cgroup") == 0) {
                int fd = open("/tmp/release_agent", O_WRONLY | O_CLOEXEC);

                detail_errno(detail, "release_agent", fd < 0 ? errno : 0);
                return fd >= 0;
        }
        detail_errno(detail, "mount", 0);
        return true;
}

void topic_mounts(char **arguments) {
        for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++)
                for (int userns = 0; userns < 2; userns++) {
                        MountAttempt a = { mounts + i, userns };
                        char name[128];

                        (void) snprintf(name, sizeof name, "mount-%s%s%s%s", mounts[i].type, mounts[i].options ? ":" : "", mounts[i].options ?: "",
                                        userns ? "-in-userns" : "");
                        attempt(mounts[i].row, name, do_mount, &a);
                }
}

/* --- devices --- */

typedef struct Node {
        const char *name;
        mode_t type;
        unsigned major_number, minor_number;
} Node;

static const Node nodes[] = {
        { "sda", S_IFBLK, 8, 0 },      { "loop0", S_IFBLK, 7, 0 },  { "vda", S_IFBLK, 254, 0 }, { "vda-253", S_IFBLK, 253, 0 }, { "nvme", S_IFBLK, 259, 0 }, { "dm", S_IFBLK, 252, 0 },
        { "mem", S_IFCHR, 1, 1 },      { "port", S_IFCHR, 1, 4 },   { "kmsg", S_IFCHR, 1, 11 }, { "tty0", S_IFCHR, 4, 0 },      { "ttyS0", S_IFCHR, 4, 64 },
        { "console", S_IFCHR, 5, 1 },  { "fuse", S_IFCHR, 10, 229 }, { "loop-control", S_IFCHR, 10, 237 }, { "kvm", S_IFCHR, 10, 232 }, { "snapshot", S_IFCHR, 10, 231 },
        { "msr", S_IFCHR, 202, 0 },    { "rtc", S_IFCHR, 10, 135 }, { "sg0", S_IFCHR, 21, 0 },  { "input", S_IFCHR, 13, 64 },   { "whiteout", S_IFCHR, 0, 0 },
};

/* What the driver says (ENXIO) has come past the policy. */
static bool open_node(const char *path, char detail[static DETAIL_SIZE]) {
        int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        int error = fd < 0 ? errno : 0;

        detail_errno(detail, "open", error);
        return error != EPERM && error != EACCES;
}

static bool make_node(const void *data, char detail[static DETAIL_SIZE]) {
        const Node *n = data;
        bool open;

        (void) unlink("/tmp/probe-node");
        if (mknod("/tmp/probe-node", n->type | 0600, makedev(n->major_number, n->minor_number)) < 0) {
                detail_errno(detail, "mknod", errno);
                return false;
        }
        /* Of a device of number 0 there is no driver (overlay's whiteouts); there it is the node that must not be. */
        open = open_node("/tmp/probe-node", detail);
        (void) unlink("/tmp/probe-node");
        return open && n->major_number > 0;
}

static bool make_node_in_tmpfs(const void *data, char detail[static DETAIL_SIZE]) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0 || mount("probe", "/tmp", "tmpfs", 0, NULL) < 0) {
                detail_errno(detail, "a tmpfs of a user namespace", errno);
                return false;
        }
        return make_node(data, detail);
}

static bool open_given(const void *data, char detail[static DETAIL_SIZE]) {
        return open_node(data, detail) && !strstr(detail, "ENOENT");
}

/* devices [PATH...]: nodes that can be made and opened; and those that are there already. */
void topic_devices(char **arguments) {
        char name[128];

        for (size_t i = 0; i < sizeof nodes / sizeof nodes[0]; i++) {
                (void) snprintf(name, sizeof name, "mknod-%s", nodes[i].name);
                attempt("S34", name, make_node, nodes + i);
                (void) snprintf(name, sizeof name, "mknod-%s-in-userns", nodes[i].name);
                attempt("S34", name, make_node_in_tmpfs, nodes + i);
        }
        for (; *arguments; arguments++) {
                (void) snprintf(name, sizeof name, "open-%s", *arguments);
                attempt("S34", name, open_given, *arguments);
        }
}

/* --- cgroups --- */

static const char *const limits[] = {
        "memory.max", "memory.high", "memory.swap.max", "pids.max", "cpu.max", "cpu.weight", "io.max", "io.weight", "cpuset.cpus", "hugetlb.2MB.max",
        "cgroup.max.depth", "cgroup.max.descendants", "cgroup.freeze", "../cgroup.procs", "../../cgroup.procs", "../cgroup.subtree_control", "../memory.max",
};

typedef struct CgroupAttempt {
        const char *directory, *file;
        bool anew;
} CgroupAttempt;

static bool open_limit(const void *data, char detail[static DETAIL_SIZE]) {
        const CgroupAttempt *a = data;
        const char *directory = a->directory;
        char path[512];
        int fd;

        if (a->anew) {
                if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) < 0 || mount("none", "/tmp", "cgroup2", 0, NULL) < 0) {
                        detail_errno(detail, "a cgroup2 of a user namespace", errno);
                        return false;
                }
                directory = "/tmp";
        }
        /* ".." of the root of a mount is itself: no way up, and nothing that is above. */
        (void) snprintf(path, sizeof path, "%s/%s", directory, a->file);
        if (strncmp(a->file, "../", 3) == 0) {
                struct stat here, there;
                char parent[512];

                (void) snprintf(parent, sizeof parent, "%s/..", directory);
                if (stat(directory, &here) == 0 && stat(parent, &there) == 0 && here.st_dev != there.st_dev) {
                        (void) snprintf(detail, DETAIL_SIZE, "there is no way up");
                        return false;
                }
        }
        fd = open(path, O_WRONLY | O_CLOEXEC);
        /* The kernel looks at the rest at the write; "max" takes every limit away, and is a mistake where there are numbers only. */
        if (fd >= 0 && strcmp(a->file, "cgroup.freeze") != 0 && !strstr(a->file, "cgroup.procs") && !strstr(a->file, "subtree_control") &&
            write(fd, "max", 3) < 0 && errno != EINVAL && errno != ERANGE) {
                detail_errno(detail, "write", errno);
                return false;
        }
        detail_errno(detail, "open", fd < 0 ? errno : 0);
        return fd >= 0;
}

/* cgroup [DIRECTORY]: what the container is limited by. The directory is the root of its own tree. */
void topic_cgroup(char **arguments) {
        for (int anew = 0; anew < 2; anew++)
                for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
                        CgroupAttempt a = { arguments[0] ?: "/sys/fs/cgroup", limits[i], anew };
                        char name[128];

                        (void) snprintf(name, sizeof name, "%s%s", limits[i], anew ? "-mounted-anew" : "");
                        attempt("S26", name, open_limit, &a);
                }
}

/* --- sockets --- */

static bool connect_to(const void *data, char detail[static DETAIL_SIZE]) {
        static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        const char *name = data;
        size_t length = strlen(name);
        int error = 0;

        if (length >= sizeof address.sun_path) {
                (void) snprintf(detail, DETAIL_SIZE, "not a name");
                return false;
        }
        memcpy(address.sun_path, name, length);
        if (name[0] == '@')
                address.sun_path[0] = '\0';
        for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
                int fd = socket(AF_UNIX, types[i] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

                if (connect(fd, (struct sockaddr *) &address, (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length)) >= 0) {
                        detail_errno(detail, "connect", 0);
                        return true;
                }
                /* It is there, and of another type. */
                if (errno != EPROTOTYPE || error == 0)
                        error = errno;
                (void) close(fd);
        }
        detail_errno(detail, "connect", error);
        return error == EPROTOTYPE || error == EAGAIN;
}

/* sockets NAME...: with '@', abstract ones. */
void topic_sockets(char **arguments) {
        for (; *arguments; arguments++)
                attempt("S40", *arguments, connect_to, *arguments);
}

/* --- processes --- */

#define PIDS_MAX 4194304

static bool is_own(int pid) {
        char path[64];

        (void) snprintf(path, sizeof path, "/proc/%d", pid);
        return access(path, F_OK) == 0;
}

/* Every number there can be: who answers, and is not to be seen in /proc, is another container's or the host's. */
static bool signal_everybody(const void *data, char detail[static DETAIL_SIZE]) {
        unsigned n = 0;

        (void) alarm(300);
        for (int pid = 2; pid < PIDS_MAX; pid++)
                /* What came and went in between is there neither the first nor the second time. */
                if (kill(pid, 0) == 0 && !is_own(pid) && kill(pid, 0) == 0)
                        n++;
        (void) snprintf(detail, DETAIL_SIZE, "%u processes of others can be signalled", n);
        return n > 0;
}

static bool signal_one(const void *data, char detail[static DETAIL_SIZE]) {
        pid_t pid = *(const pid_t *) data;
        int r = kill(pid, SIGUSR1);

        detail_errno(detail, "kill", r < 0 ? errno : 0);
        return r >= 0;
}

static bool trace_one(const void *data, char detail[static DETAIL_SIZE]) {
        pid_t pid = *(const pid_t *) data;
        long r = ptrace(PTRACE_SEIZE, pid, NULL, NULL);

        detail_errno(detail, "ptrace", r < 0 ? errno : 0);
        return r >= 0;
}

static bool read_one(const void *data, char detail[static DETAIL_SIZE]) {
        pid_t pid = *(const pid_t *) data;
        char byte;
        struct iovec here = { &byte, 1 }, there = { (void *) 16, 1 };
        ssize_t r = process_vm_readv(pid, &here, 1, &there, 1, 0);
        int error = r < 0 ? errno : 0;

        detail_errno(detail, "process_vm_readv", error);
        /* EFAULT is about the address. */
        return error == 0 || error == EFAULT;
}

static bool pidfd_one(const void *data, char detail[static DETAIL_SIZE]) {
        long r = syscall(SYS_pidfd_open, *(const pid_t *) data, 0);

        detail_errno(detail, "pidfd_open", r < 0 ? errno : 0);
        return r >= 0;
}

/* one PID...: these, by number. */
void topic_one(char **arguments) {
        static const struct { const char *name; Attempt f; } ways[] = {
                { "ptrace", trace_one }, { "process_vm_readv", read_one }, { "pidfd", pidfd_one }, { "kill", signal_one },
        };

        for (; *arguments; arguments++) {
                pid_t pid = atoi(*arguments);
                char name[64];

                for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
                        (void) snprintf(name, sizeof name, "%s-%d", ways[i].name, (int) pid);
                        attempt("S37", name, ways[i].f, &pid);
                }
        }
}

/* kill PID...: these, and everybody. */
void topic_kill(char **arguments) {
        topic_one(arguments);
        attempt("S37", "everybody", signal_everybody, NULL);
}

static volatile sig_atomic_t hit;

static void on_hit(int number) {
        hit = 1;
}

/* victim: waits to be signalled; says its pid, and exits with status 7 when it was. */
void topic_victim(char **arguments) {
        struct sigaction action = { .sa_handler = on_hit };
        sigset_t usr1, before;

        sigemptyset(&usr1);
        sigaddset(&usr1, SIGUSR1);
        (void) sigprocmask(SIG_BLOCK, &usr1, &before);
        (void) sigaction(SIGUSR1, &action, NULL);
        printf("%d\n", (int) getpid());
        (void) fflush(stdout);
        while (!hit)
                (void) sigsuspend(&before);
        exit(7);
}
