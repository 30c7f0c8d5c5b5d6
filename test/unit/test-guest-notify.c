/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/guest-notify.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "basic/macro.h"
#include "unit.h"

static int pair[2];

static void make_pair(void) {
        int one = 1;

        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
        ck_assert_int_eq(setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof one), 0);
}

static void say(const char *text, size_t size) {
        ck_assert_int_eq(send(pair[1], text, size, 0), (ssize_t) size);
}

START_TEST(ready_and_status) {
        GuestNotification n;

        make_pair();
        say("STATUS=Starting\n", 16);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid(), &n), 0);
        ck_assert_int_eq(n.ready, 0);
        ck_assert_str_eq(n.status, "Starting");
        say("READY=1\nSTATUS=up", 17);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid(), &n), 0);
        ck_assert_int_eq(n.ready, 1);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid(), &n), -EAGAIN);
}
END_TEST

START_TEST(s98_only_the_leader_counts) {
        GuestNotification n;

        make_pair();
        say("READY=1", 7);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid() + 1, &n), 0);
        ck_assert_int_eq(n.ready, 0);
}
END_TEST

START_TEST(s98_hostile_datagrams) {
        static char big[5000];
        GuestNotification n;
        size_t length;

        make_pair();
        say("STATUS=a\x1b[2Jb\nMAINPID=1\nREADY=11\nREADY=", 39);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid(), &n), 0);
        ck_assert_int_eq(n.ready, 0);
        ck_assert_str_eq(n.status, "a\\x1b[2Jb");

        /* Cut off: nothing of it counts. */
        memset(big, 'x', sizeof big);
        memcpy(big, "READY=1\nSTATUS=", 15);
        say(big, sizeof big);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid(), &n), 0);
        ck_assert_int_eq(n.ready, 0);

        say(big, 4000);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid(), &n), 0);
        length = strlen(n.status);
        ck_assert_uint_lt(length, sizeof n.status);
        say("", 0);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid(), &n), 0);
        ck_assert_int_eq(n.ready, 0);
}
END_TEST

START_TEST(s98_fds_are_closed) {
        struct iovec iov = { .iov_base = (void *) "FDSTORE=1", .iov_len = 9 };
        union {
                struct cmsghdr header;
                char buffer[CMSG_SPACE(sizeof(int) * 3)];
        } control = {};
        struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
        int before, after, fds[3] = { 0, 1, 2 };
        GuestNotification n;

        make_pair();
        before = dup(0);
        (void) close(before);
        CMSG_FIRSTHDR(&mh)->cmsg_level = SOL_SOCKET;
        CMSG_FIRSTHDR(&mh)->cmsg_type = SCM_RIGHTS;
        CMSG_FIRSTHDR(&mh)->cmsg_len = CMSG_LEN(sizeof fds);
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&mh)), fds, sizeof fds);
        ck_assert_int_eq(sendmsg(pair[1], &mh, 0), 9);
        ck_assert_int_eq(guest_notify_receive(pair[0], getpid(), &n), 0);
        after = dup(0);
        ck_assert_int_eq(after, before);
}
END_TEST

UNIT_TESTS("guest-notify", ready_and_status, s98_only_the_leader_counts, s98_hostile_datagrams, s98_fds_are_closed)
