/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a payload says by sd_notify: nothing counts but READY=1 and STATUS=, from the one process that may, in a form that can be printed. */

#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "launch/guest-notify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static int pair[2] = { -EBADF, -EBADF };
        GuestNotification n;
        const int on = 1;

        if (pair[0] < 0) {
                must(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair) == 0);
                must(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) == 0);
        }
        /* Another process's counts for nothing. */
        must(send(pair[0], size > 0 ? data : (const void *) "", size, 0) == (ssize_t) size);
        must(guest_notify_receive(pair[1], getpid() + 1, &n) >= 0);
        must(!n.ready && !n.status[0]);

        must(send(pair[0], size > 0 ? data : (const void *) "", size, 0) == (ssize_t) size);
        must(guest_notify_receive(pair[1], getpid(), &n) >= 0);
        must(memchr(n.status, 0, sizeof n.status));
        for (const char *c = n.status; *c; c++)
                must((unsigned char) *c >= ' ' && *c != 127);
        must(!n.ready || memmem(data, size, "READY=1", 7));
        return 0;
}
