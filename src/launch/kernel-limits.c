/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/kernel-limits.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/mount.h"

static const struct {
        const char *file;  /* of /proc/sys/user */
        const char *host;  /* as seen from there: what the host's root has; NULL: the setting always says a number */
        size_t offset;     /* of the setting */
} kinds[] = {
#define NAMESPACES(kind) { "max_" kind "_namespaces", NULL, offsetof(Settings, namespaces_max) }
        NAMESPACES("cgroup"), NAMESPACES("ipc"), NAMESPACES("mnt"), NAMESPACES("net"), NAMESPACES("pid"), NAMESPACES("time"), NAMESPACES("user"),
        NAMESPACES("uts"),
        { "max_inotify_instances", "../fs/inotify/max_user_instances", offsetof(Settings, inotify_instances_max) },
        { "max_inotify_watches", "../fs/inotify/max_user_watches", offsetof(Settings, inotify_watches_max) },
        { "max_fanotify_groups", "../fs/fanotify/max_user_groups", offsetof(Settings, inotify_instances_max) },
        { "max_fanotify_marks", "../fs/fanotify/max_user_marks", offsetof(Settings, inotify_watches_max) },
};

static const struct {
        int resource;
        const char *setting;
} rlimits[KERNEL_LIMITS_RLIMITS] = {
        { RLIMIT_SIGPENDING, "LimitSIGPENDING" }, { RLIMIT_MSGQUEUE, "LimitMSGQUEUE" },
};

int kernel_limits_open(int *ret_fd) {
        _cleanup_close_ int proc = -EBADF;
        struct statvfs st;
        int fd, r;

        proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0)
                return -errno;
        /* That of a host that is a container itself is read-only. */
        if (statvfs("/proc/sys", &st) < 0 || st.f_flag & ST_RDONLY) {
                proc = fd_close(proc);
                r = mount_new("proc", "proc", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &proc);
                if (r < 0)
                        return r;
        }
        fd = openat(proc, "sys/user", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        *ret_fd = fd;
        return 0;
}

/* One that has no number of its own has half of what there is for all. */
static int half_of_host(int user_fd, const char *file, int *ret) {
        _cleanup_close_ int fd = -EBADF;
        char text[32];
        ssize_t n;
        long all;

        fd = openat(user_fd, file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, text, sizeof text - 1);
        if (n < 0)
                return -errno;
        text[n] = 0;
        all = strtol(text, NULL, 10);
        *ret = (int) MIN_OF((all > 0 ? all : 0) / 2, (long) INT32_MAX);
        return 0;
}

static int set_one(int user_fd, const char *file, int limit) {
        _cleanup_close_ int fd = -EBADF;
        char text[DECIMAL_MAX];

        snprintf(text, sizeof text, "%d", limit);
        fd = openat(user_fd, file, O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

int kernel_limits_set(int user_fd, const Settings *s) {
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                int limit, r = 0;

                memcpy(&limit, (const char *) s + kinds[i].offset, sizeof limit);
                if (limit <= 0)
                        r = half_of_host(user_fd, kinds[i].host, &limit);
                if (r >= 0)
                        r = set_one(user_fd, kinds[i].file, limit);
                /* A kernel that was built without fanotify, for one, counts none. */
                if (r < 0 && r != -ENOENT)
                        return r;
        }
        return 0;
}

static rlim64_t for_all(rlim64_t own) {
        return own == RLIM64_INFINITY ? own : own - own / 4;
}

void kernel_limits_begin(const Settings *s, KernelLimits *ret) {
        for (size_t i = 0; i < KERNEL_LIMITS_RLIMITS; i++) {
                const SettingRlimit *set = &s->rlimits[rlimits[i].resource];
                struct rlimit64 l;

                if (getrlimit64((__rlimit_resource_t) rlimits[i].resource, &l) < 0)
                        l = (struct rlimit64) { RLIM64_INFINITY, RLIM64_INFINITY };
                ret->own[i] = l;
                l.rlim_cur = for_all(l.rlim_cur);
                /* RLIM64_INFINITY is the largest number. */
                if (set->set)
                        l.rlim_cur = MAX_OF(l.rlim_cur, set->hard);
                l.rlim_max = MAX_OF(l.rlim_cur, l.rlim_max);
                (void) setrlimit64((__rlimit_resource_t) rlimits[i].resource, &l);
        }
}

void kernel_limits_end(const KernelLimits *l) {
        for (size_t i = 0; i < KERNEL_LIMITS_RLIMITS; i++)
                (void) setrlimit64((__rlimit_resource_t) rlimits[i].resource, &l->own[i]);
}

int kernel_limits_give(const KernelLimits *l, const Settings *s, pid_t outer, const char **ret_name) {
        for (size_t i = 0; i < KERNEL_LIMITS_RLIMITS; i++) {
                const SettingRlimit *set = &s->rlimits[rlimits[i].resource];
                struct rlimit64 v = l->own[i];

                if (set->set)
                        v.rlim_cur = v.rlim_max = set->hard;
                else if (v.rlim_cur != RLIM64_INFINITY)
                        v.rlim_cur /= 2;
                if (prlimit64(outer, (__rlimit_resource_t) rlimits[i].resource, &v, NULL) < 0) {
                        *ret_name = rlimits[i].setting;
                        return -errno;
                }
        }
        return 0;
}
