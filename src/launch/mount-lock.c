/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/mount-lock.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/socket.h"
#include "shared/mount.h"

/* Covered for a moment, in a namespace that nobody else sees. */
#define DIRECTORY "/proc"
#define FILE_NODE "/dev/null"

static int copy_locked(int mount_fd, int userns_fd, int *ret) {
        _cleanup_close_ int target = -EBADF;
        const char *place;
        struct stat st;
        int r;

        if (fstat(mount_fd, &st) < 0)
                return -errno;
        place = S_ISDIR(st.st_mode) ? DIRECTORY : FILE_NODE;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
                return -errno;
        target = open(place, O_PATH | O_CLOEXEC);
        if (target < 0)
                return -errno;
        r = mount_attach(mount_fd, target);
        if (r < 0)
                return r;
        if (setns(userns_fd, CLONE_NEWUSER) < 0 || unshare(CLONE_NEWNS) < 0)
                return -errno;
        return mount_clone(AT_FDCWD, place, true, ret);
}

int mount_lock(int *mount_fd, int userns_fd) {
        _cleanup_close_ int socket_fd = -EBADF;
        int fd = -EBADF, error = 0, r;
        size_t n_fds = 1;
        ssize_t size;
        pid_t pid;

        pid = child_fork_with_socket(&socket_fd);
        if (pid < 0)
                return (int) pid;
        if (pid == 0) {
                r = copy_locked(*mount_fd, userns_fd, &fd);
                (void) socket_send(socket_fd, &r, sizeof r, &fd, r < 0 ? 0 : 1);
                _exit(EXIT_SUCCESS);
        }
        size = socket_receive(socket_fd, &error, sizeof error, &fd, &n_fds);
        (void) child_wait(pid);
        if (size < 0)
                return (int) size;
        if (error < 0)
                return error;
        if (size != sizeof error || n_fds != 1)
                return -EPROTO;
        (void) fd_close(*mount_fd);
        *mount_fd = fd;
        return 0;
}
