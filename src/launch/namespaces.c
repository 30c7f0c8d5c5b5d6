/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "basic/fd.h"

/* The user namespace first: the capabilities to enter the others come with it. */
static const struct {
        const char *name;
        int type;
} kinds[NAMESPACES_MAX] = {
        [NAMESPACE_USER] = { "user", CLONE_NEWUSER }, [NAMESPACE_MOUNT] = { "mnt", CLONE_NEWNS }, { "net", CLONE_NEWNET },
        { "ipc", CLONE_NEWIPC },   { "uts", CLONE_NEWUTS }, { "cgroup", CLONE_NEWCGROUP },
};

void namespaces_done(Namespaces *n) {
        for (size_t i = 0; i < NAMESPACES_MAX; i++)
                n->fds[i] = fd_close(n->fds[i]);
}

static bool is_own(int fd, const char *own) {
        struct stat a, b;

        return fstat(fd, &a) >= 0 && stat(own, &b) >= 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int namespaces_open(pid_t pid, Namespaces *ret) {
        _cleanup_(namespaces_done) Namespaces n = NAMESPACES_NONE;
        _cleanup_close_ int dir = -EBADF;
        char path[64];

        snprintf(path, sizeof path, "/proc/%d/ns", (int) pid);
        dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        for (size_t i = 0; i < NAMESPACES_MAX; i++) {
                n.fds[i] = openat(dir, kinds[i].name, O_RDONLY | O_CLOEXEC);
                if (n.fds[i] < 0)
                        return -errno;
                /* The host's, which is ours, is entered by being there: who has entered the user namespace has no right over the network's,
                 * and nobody can enter the user namespace that he is in (setns(2)). */
                if ((kinds[i].type == CLONE_NEWNET && is_own(n.fds[i], "/proc/self/ns/net")) ||
                    (kinds[i].type == CLONE_NEWUSER && is_own(n.fds[i], "/proc/self/ns/user")))
                        n.fds[i] = fd_close(n.fds[i]);
        }
        *ret = n;
        n = (Namespaces) NAMESPACES_NONE;
        return 0;
}

int namespaces_enter(const Namespaces *n) {
        for (size_t i = 0; i < NAMESPACES_MAX; i++)
                if (n->fds[i] >= 0 && setns(n->fds[i], kinds[i].type) < 0)
                        return -errno;
        return 0;
}
