/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/socket.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "basic/fd.h"

int socket_send(int fd, const void *data, size_t size, const int *fds, size_t n_fds) {
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
        } control = {};
        struct iovec iov = { .iov_base = (void *) data, .iov_len = size };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

        assert(n_fds <= SOCKET_FDS_MAX);

        if (n_fds > 0) {
                struct cmsghdr *cmsg;

                mh.msg_control = &control;
                mh.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
                cmsg = CMSG_FIRSTHDR(&mh);
                cmsg->cmsg_level = SOL_SOCKET;
                cmsg->cmsg_type = SCM_RIGHTS;
                cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
                memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
        }

        for (;;) {
                if (sendmsg(fd, &mh, MSG_NOSIGNAL) >= 0)
                        return 0;
                if (errno != EINTR)
                        return -errno;
        }
}

ssize_t socket_receive(int fd, void *data, size_t size, int *ret_fds, size_t *n_fds) {
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
        } control = {};
        struct iovec iov = { .iov_base = data, .iov_len = size };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
        size_t room = n_fds ? *n_fds : 0, got = 0;
        bool too_many = false;
        unsigned reset = 0;
        ssize_t n;

        /* A peer that closed its end before it had read what we sent: the kernel tells of that once, ahead of what the peer had sent
         * (unix_release_sock(), sk_err). What it had sent is its last word all the same. */
        do
                n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC);
        while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !reset++)));
        if (n < 0)
                return -errno;

        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&mh); cmsg; cmsg = CMSG_NXTHDR(&mh, cmsg)) {
                size_t count;
                int received[SOCKET_FDS_MAX];

                if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
                        continue;
                count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                memcpy(received, CMSG_DATA(cmsg), count * sizeof(int));
                for (size_t i = 0; i < count; i++)
                        if (got < room)
                                ret_fds[got++] = received[i];
                        else {
                                too_many = true;
                                (void) close(received[i]);
                        }
        }

        if (too_many || (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
                for (size_t i = 0; i < got; i++)
                        (void) close(ret_fds[i]);
                if (n_fds)
                        *n_fds = 0;
                return -EMSGSIZE;
        }
        if (n_fds)
                *n_fds = got;
        return n;
}

static int address_fill(const char *path, struct sockaddr_un *ret, socklen_t *ret_size) {
        size_t n = strlen(path);

        if (n >= sizeof ret->sun_path)
                return -ENAMETOOLONG;
        *ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
        memcpy(ret->sun_path, path, n + 1);
        *ret_size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n + 1);
        return 0;
}

/* A socket, and the address that it is for. */
static int socket_new(const char *path, struct sockaddr_un *ret_address, socklen_t *ret_size) {
        int fd, r;

        r = address_fill(path, ret_address, ret_size);
        if (r < 0)
                return r;
        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        return fd < 0 ? -errno : fd;
}

int socket_listen(const char *path, mode_t mode, int backlog) {
        _cleanup_close_ int fd = -EBADF;
        struct sockaddr_un address;
        socklen_t size;

        fd = socket_new(path, &address, &size);
        if (fd < 0)
                return fd;
        if (unlink(path) < 0 && errno != ENOENT)
                return -errno;
        /* The mode of the socket's inode decides who may connect; set on the fd before bind(), it is there from the first moment. */
        if (fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *) &address, size) < 0 || listen(fd, backlog) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int socket_connect(const char *path) {
        _cleanup_close_ int fd = -EBADF;
        struct sockaddr_un address;
        socklen_t size;

        fd = socket_new(path, &address, &size);
        if (fd < 0)
                return fd;
        if (connect(fd, (struct sockaddr *) &address, size) < 0)
                return -errno;
        return TAKE_FD(fd);
}
