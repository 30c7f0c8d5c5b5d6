/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* mount(2) of a file system that is on a block device, of the types that the administrator has named. The device has to be one that the caller can
 * open itself, as it can open those that the container was lent and no others; the mount has the container's ids where the file system can be
 * mounted so, and never gives devices or set-user-id programs. Everything else the kernel answers, as if nobody had asked. */

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/socket.h"
#include "basic/strv.h"
#include "launch/intercept-caller.h"
#include "launch/mount-lock.h"
#include "shared/mount.h"

#define DATA_SIZE_MAX 4096U
#define TYPE_SIZE_MAX 32U

typedef struct Arguments {
        char source[PATH_MAX], target[PATH_MAX], type[TYPE_SIZE_MAX], data[DATA_SIZE_MAX];
        unsigned long flags;
} Arguments;

/* What may be said of any of the types without reaching further than the file system itself: nothing here names a path or another device. */
static const char *const options_known[] = {
        "rw", "ro", "discard", "nodiscard", "acl", "noacl", "user_xattr", "errors=remount-ro", "errors=continue", "inode64", "utf8", "barrier", "noquota",
        "defaults",
};

static int read_arguments(const InterceptCall *c, Arguments *a) {
        const __u64 *args = c->request->data.args;
        int r;

        if (!args[0] || !args[1] || !args[2])
                return INTERCEPT_CONTINUE;
        r = caller_read_string(c, args[2], a->type, sizeof a->type);
        if (r == -ENAMETOOLONG || (r >= 0 && !strv_find(c->context->settings->intercept_mount_types, a->type)))
                return INTERCEPT_CONTINUE;
        if (r >= 0)
                r = caller_read_string(c, args[0], a->source, sizeof a->source);
        if (r >= 0)
                r = caller_read_string(c, args[1], a->target, sizeof a->target);
        if (r >= 0 && args[4])
                r = caller_read_string(c, args[4], a->data, sizeof a->data);
        a->flags = (unsigned long) args[3];
        return r;
}

static int take_options(char *data, char ***options) {
        char *save = NULL;
        int r;

        for (char *option = strtok_r(data, ",", &save); option; option = strtok_r(NULL, ",", &save)) {
                bool known = false;

                for (size_t i = 0; i < ELEMENTSOF(options_known); i++)
                        known = known || streq(options_known[i], option);
                if (!known)
                        return -EINVAL;
                /* How errors are answered is decided below. */
                if (startswith(option, "errors=") || streq(option, "defaults"))
                        continue;
                r = strv_extend(options, option);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int open_as_caller(const char *path, int flags) {
        struct open_how how = { .flags = (uint64_t) (unsigned) flags | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS };
        int fd;

        fd = (int) syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof how);
        return fd < 0 ? -errno : fd;
}

/* In a process that is the caller: what the two paths are. The device is opened as it would have to be written to. */
static int open_paths(const InterceptCall *c, const Arguments *a, Caller *p, int socket_fd) {
        _cleanup_close_ int source = -EBADF, target = -EBADF;
        struct stat st;
        int r, result = 0;

        r = caller_become(c, p);
        if (r < 0)
                return r;
        source = open_as_caller(a->source, (a->flags & MS_RDONLY ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_NOCTTY);
        if (source < 0)
                return source;
        if (fstat(source, &st) < 0)
                return -errno;
        if (!S_ISBLK(st.st_mode))
                return -ENOTBLK;
        target = open_as_caller(a->target, O_PATH | O_DIRECTORY);
        if (target < 0)
                return target;
        return socket_send(socket_fd, &result, sizeof result, (int[]) { source, target }, 2);
}

/* A process for what follows in the caller's place. */
static int in_caller(const InterceptCall *c, const Arguments *a, Caller *p, int ret_fds[static 2]) {
        _cleanup_close_ int socket_fd = -EBADF;
        int r, error = 0;
        size_t n_fds = 2;
        ssize_t size;
        pid_t pid;

        pid = child_fork_with_socket(&socket_fd);
        if (pid < 0)
                return (int) pid;
        if (pid == 0) {
                r = open_paths(c, a, p, socket_fd);
                if (r < 0)
                        (void) socket_send(socket_fd, &r, sizeof r, NULL, 0);
                _exit(EXIT_SUCCESS);
        }
        size = socket_receive(socket_fd, &error, sizeof error, ret_fds, &n_fds);
        (void) child_wait(pid);
        if (size != sizeof error || (error >= 0 && n_fds != 2))
                return size < 0 ? (int) size : -EPERM;
        return error;
}

static int make_mount(const InterceptCall *c, Arguments *a, int source, int *ret) {
        static const struct {
                unsigned long flag;
                unsigned attribute;
        } flags[] = { { MS_RDONLY, MOUNT_ATTR_RDONLY }, { MS_NOEXEC, MOUNT_ATTR_NOEXEC }, { MS_NOATIME, MOUNT_ATTR_NOATIME }, { MS_NODIRATIME, MOUNT_ATTR_NODIRATIME } };
        unsigned attributes = MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID;
        _cleanup_strv_ char **options = NULL;
        _cleanup_close_ int mount_fd = -EBADF;
        char path[64];
        int r;

        r = take_options(a->data, &options);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ELEMENTSOF(flags); i++)
                if (a->flags & flags[i].flag)
                        attributes |= flags[i].attribute;
        if (a->flags & MS_RDONLY)
                r = strv_extend(&options, "ro");
        /* An image may ask for a panic of the host when something is wrong with it. */
        if (r >= 0 && startswith(a->type, "ext"))
                r = strv_extend(&options, "errors=remount-ro");
        if (r < 0)
                return r;
        snprintf(path, sizeof path, "/proc/self/fd/%d", source);
        r = mount_new(a->type, path, options, attributes, &mount_fd);
        if (r < 0)
                return r;
        r = mount_set_idmap(mount_fd, c->context->namespaces->fds[0]);
        if (r < 0 && r != -EINVAL)
                return r;
        r = mount_lock(&mount_fd, c->context->namespaces->fds[0]);
        if (r < 0)
                return r;
        *ret = TAKE_FD(mount_fd);
        return 0;
}

int intercept_mount(const InterceptCall *c) {
        _cleanup_(caller_done) Caller p = CALLER_NONE;
        _cleanup_free_ Arguments *a = calloc(1, sizeof *a);
        int fds[2] = { -EBADF, -EBADF }, mount_fd = -EBADF, r;

        if (!a)
                return -ENOMEM;
        r = read_arguments(c, a);
        if (r != 0)
                return r;
        r = caller_open(c, &p);
        if (r >= 0 && (p.own_user_namespace || !(p.capabilities & UINT64_C(1) << CAP_SYS_ADMIN)))
                r = -EPERM;
        if (r >= 0)
                r = in_caller(c, a, &p, fds);
        if (r >= 0)
                r = make_mount(c, a, fds[0], &mount_fd);
        if (r >= 0)
                r = caller_become(c, &p);
        /* Ends with the process, as all that it has opened. */
        return r < 0 ? r : mount_attach(mount_fd, fds[1]);
}
