/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/guest-notify.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "basic/strv.h"

#define DATAGRAM_MAX 4096U

static void parse_line(const char *line, GuestNotification *n) {
        _cleanup_free_ char *escaped = NULL;
        const char *value;

        if (streq(line, "READY=1"))
                n->ready = 1;
        else if ((value = startswith(line, "STATUS=")) && string_escape(value, &escaped) >= 0)
                snprintf(n->status, sizeof n->status, "%s", escaped);
}

int guest_notify_receive(int fd, pid_t leader, GuestNotification *ret) {
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * 253)];
        } control = {};
        char data[DATAGRAM_MAX + 1], *rest = data, *line;
        struct iovec iov = { .iov_base = data, .iov_len = DATAGRAM_MAX };
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
        GuestNotification n = {};
        pid_t sender = 0;
        ssize_t size;

        size = recvmsg(fd, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (size < 0)
                return -errno;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(&mh); c; c = CMSG_NXTHDR(&mh, c)) {
                if (c->cmsg_level != SOL_SOCKET)
                        continue;
                if (c->cmsg_type == SCM_CREDENTIALS) {
                        struct ucred peer;

                        memcpy(&peer, CMSG_DATA(c), sizeof peer);
                        sender = peer.pid;
                } else if (c->cmsg_type == SCM_RIGHTS)
                        for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                                int received;

                                memcpy(&received, CMSG_DATA(c) + i * sizeof(int), sizeof received);
                                (void) close(received);
                        }
        }

        if (sender == leader && !(mh.msg_flags & MSG_TRUNC)) {
                data[size] = 0;
                while ((line = strsep(&rest, "\n")))
                        parse_line(line, &n);
        }
        *ret = n;
        return 0;
}
