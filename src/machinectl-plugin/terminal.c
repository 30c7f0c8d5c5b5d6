/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int terminal_make_raw(Terminal *t, int fd, bool input) {
        struct termios saved, raw;

        if (tcgetattr(fd, &saved) < 0)
                return -errno;
        raw = saved;
        cfmakeraw(&raw);
        if (!input) {
                raw = saved;
                raw.c_oflag &= ~(tcflag_t) OPOST;
        }
        if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
                return -errno;
        *t = (Terminal) { .fd = fd, .saved = saved, .raw = raw };
        return 0;
}

void terminal_raw_again(const Terminal *t) {
        if (t->fd >= 0)
                (void) tcsetattr(t->fd, TCSANOW, &t->raw);
}

void terminal_restore(Terminal *t) {
        if (t->fd >= 0)
                (void) tcsetattr(t->fd, TCSADRAIN, &t->saved);
        t->fd = -EBADF;
}

void terminal_size(int fd, unsigned *ret_rows, unsigned *ret_columns) {
        struct winsize size = {};

        (void) ioctl(fd, TIOCGWINSZ, &size);
        *ret_rows = size.ws_row;
        *ret_columns = size.ws_col;
}

int terminal_reopen(int fd, int flags) {
        char path[64];
        int again;

        if (isatty(fd)) {
                snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
                again = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (again >= 0)
                        return again;
        }
        again = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return again < 0 ? -errno : again;
}
