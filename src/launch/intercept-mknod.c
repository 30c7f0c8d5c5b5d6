/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mknod(2) of a harmless device. A node on a file system that was mounted in a user namespace, as the container's root and every tmpfs of its own are,
 * cannot be opened, whoever makes it (SB_I_NODEV): so a node is made in the host's /run, with the container's ids, and its mount is put over an empty
 * file where the guest wants it. It works, and it takes chmod(2) and chown(2); to remove or rename it, it has to be unmounted first. */

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "launch/intercept-caller.h"
#include "launch/node.h"
#include "shared/mount.h"

typedef struct Arguments {
        int directory;         /* of the caller's; AT_FDCWD */
        char path[PATH_MAX];
        mode_t mode;
        uint32_t device;
} Arguments;

static int read_arguments(const InterceptCall *c, Arguments *ret) {
        const __u64 *args = c->request->data.args;
        bool at = c->request->data.nr == SYS_mknodat;
        int r;

        ret->directory = at ? (int) args[0] : AT_FDCWD;
        ret->mode = (mode_t) args[1 + at];
        ret->device = (uint32_t) args[2 + at];
        r = caller_read_string(c, args[at], ret->path, sizeof ret->path);
        return r < 0 ? r : ret->path[0] ? 0 : -ENOENT;
}

/* The directory that a relative path begins at, as a fd of our own. */
static int open_directory(const Caller *p, const Arguments *a) {
        char path[64];
        int fd;

        if (a->directory == AT_FDCWD || a->path[0] == '/')
                return fcntl(p->cwd_fd, F_DUPFD_CLOEXEC, 3);
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int) p->pid, a->directory);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? (errno == ENOENT ? -EBADF : -errno) : fd;
}

/* As the caller: an empty file, which must not have been there. Links of /proc lead to what is ours. */
static int make_file(int directory, const char *path, int *ret) {
        struct open_how how = { .flags = O_RDONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, .mode = 0600, .resolve = RESOLVE_NO_MAGICLINKS };
        int fd;

        fd = (int) syscall(SYS_openat2, directory, path, &how, sizeof how);
        if (fd < 0)
                return -errno;
        *ret = fd;
        return 0;
}

int intercept_mknod(const InterceptCall *c) {
        _cleanup_close_ int directory = -EBADF, mount_fd = -EBADF, file = -EBADF;
        _cleanup_(caller_done) Caller p = CALLER_NONE;
        _cleanup_free_ Arguments *a = malloc(sizeof *a);
        uint32_t base = c->context->settings->uid_base;
        char name[INTERCEPT_NODE_NAME_SIZE];
        int r;

        if (!a)
                return -ENOMEM;
        r = caller_open(c, &p);
        /* Whoever made a user namespace inside has less there than the container gave away, and asks for what is not his. */
        if (r >= 0 && (p.own_user_namespace || !(p.capabilities & UINT64_C(1) << CAP_MKNOD)))
                r = -EPERM;
        if (r >= 0)
                r = read_arguments(c, a);
        if (r < 0)
                return r;
        if (!intercept_node_name(a->device) || !S_ISCHR(a->mode))
                return -EPERM;
        directory = open_directory(&p, a);
        if (directory < 0)
                return directory;
        if (p.uid < base || p.gid < base)
                return -EPERM;
        intercept_node_name_of(c->request->id, name);
        r = node_make(c->context->container, name, p.uid, p.gid, S_IFCHR | (a->mode & 07777 & ~p.umask), makedev(a->device >> 8, a->device & 0xff), &mount_fd);
        if (r >= 0)
                r = caller_become(c, &p);
        if (r >= 0)
                r = make_file(directory, a->path, &file);
        if (r < 0)
                return r;
        r = mount_attach(mount_fd, file);
        if (r < 0)
                (void) unlinkat(directory, a->path, 0);
        return r;
}
