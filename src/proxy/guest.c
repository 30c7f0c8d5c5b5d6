/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy/guest.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/socket.h"
#include "proxy/address.h"

#define KEPT ((1U << CAP_DAC_OVERRIDE) | (1U << CAP_CHOWN) | (1U << CAP_FOWNER))

int guest_enter(const char *user_path, const char *mount_path) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { .effective = KEPT, .permitted = KEPT } };
        _cleanup_close_ int user = -EBADF, mount = -EBADF;

        user = open(user_path, O_RDONLY | O_CLOEXEC);
        mount = user < 0 ? -EBADF : open(mount_path, O_RDONLY | O_CLOEXEC);
        if (user < 0 || mount < 0 || setns(user, CLONE_NEWUSER) < 0 || setns(mount, CLONE_NEWNS) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                return -errno;
        /* The guest does not see this process, and what it could make of its rights it has itself; it needs no more than these all the same. */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || syscall(SYS_capset, &header, data) < 0)
                return -errno;
        return 0;
}

static int bind_at(const char *name, mode_t mode, uid_t uid, gid_t gid) {
        struct sockaddr_un a = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), probe = -EBADF;
        struct stat st;

        if (fd < 0)
                return -errno;
        snprintf(a.sun_path, sizeof a.sun_path, "./%s", name);
        if (lstat(a.sun_path, &st) >= 0 && S_ISSOCK(st.st_mode)) {
                probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (probe < 0)
                        return -errno;
                if (connect(probe, (struct sockaddr *) &a, sizeof a) < 0 && errno == ECONNREFUSED)
                        (void) unlink(a.sun_path);
        }
        (void) umask(0777);
        if (bind(fd, (struct sockaddr *) &a, sizeof a) < 0 || lchown(a.sun_path, uid, gid) < 0 || fchmodat(AT_FDCWD, a.sun_path, mode, 0) < 0 || listen(fd, SOMAXCONN) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* The directory is held from before: what its path leads to may be another one later. */
static int listen_inside(const char *path, mode_t mode, uid_t uid, gid_t gid, struct stat *ret, const char **ret_name, int *ret_directory) {
        _cleanup_close_ int root = -EBADF, directory = -EBADF;
        const char *slash = strrchr(path, '/');
        char parent[sizeof((struct sockaddr_un *) 0)->sun_path + 1];
        int fd;

        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        snprintf(parent, sizeof parent, "%.*s", (int) (slash - path), path);
        directory = path_open_in_root(root, *parent ? parent : "/", O_RDONLY | O_DIRECTORY, 0);
        if (directory < 0)
                return directory;
        if (fchdir(directory) < 0)
                return -errno;
        fd = bind_at(slash + 1, mode, uid, gid);
        if (fd >= 0 && lstat(slash + 1, ret) < 0)
                return -errno;
        *ret_name = slash + 1;
        *ret_directory = TAKE_FD(directory);
        return fd;
}

int guest_listen(const char *user_path, const char *mount_path, const char *path, mode_t mode, uid_t uid, gid_t gid, GuestSocket *ret) {
        _cleanup_close_ int socket_fd = -EBADF;
        int fd = -EBADF, error = 0;
        size_t n = 1;
        ssize_t size;
        pid_t pid;

        pid = child_fork_with_socket(&socket_fd);
        if (pid < 0)
                return (int) pid;
        if (pid == 0) {
                struct stat made = {}, st;
                const char *name = NULL;
                int r, directory = -EBADF;
                char end;

                (void) signal(SIGTERM, SIG_IGN);
                r = guest_enter(user_path, mount_path);
                if (r >= 0)
                        r = listen_inside(path, mode, uid, gid, &made, &name, &directory);
                fd = r;
                error = r < 0 ? -r : 0;
                r = socket_send(socket_fd, &error, sizeof error, &fd, fd >= 0);
                if (fd < 0 || r < 0)
                        _exit(EXIT_FAILURE);
                (void) close(fd);
                /* Nothing is ever sent: this is the other end's end. */
                while (read(socket_fd, &end, 1) < 0 && errno == EINTR)
                        ;
                if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && st.st_ino == made.st_ino && st.st_dev == made.st_dev)
                        (void) unlinkat(directory, name, 0);
                _exit(EXIT_SUCCESS);
        }
        size = socket_receive(socket_fd, &error, sizeof error, &fd, &n);
        if (size < 0)
                return (int) size;
        if (size != sizeof error || error != 0 || n != 1)
                return error > 0 ? -error : -EPROTO;
        *ret = (GuestSocket) { .fd = fd, .held = TAKE_FD(socket_fd), .pid = pid };
        return 0;
}

void guest_socket_done(GuestSocket *s) {
        s->fd = fd_close(s->fd);
        s->held = fd_close(s->held);
        (void) child_wait(s->pid);
}
