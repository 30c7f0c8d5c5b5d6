/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* What the payload's PID 1 says by sd_notify(3). Everything else in a datagram is ignored: a guest has no business with MAINPID=, FDSTORE=
 * and the like (ATTACKS S98). */

typedef struct GuestNotification {
        int ready;          /* READY=1 */
        char status[128];   /* STATUS=, printable, cut; empty: none */
} GuestNotification;

/* Reads one datagram. -EAGAIN: none. Only what comes from the leader counts; the rest gives an empty notification. */
int guest_notify_receive(int fd, pid_t leader, GuestNotification *ret);
