/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <termios.h>

#include "basic/macro.h"

/* The terminal that berthctl was started on. */

/* What it was like before; put back by terminal_restore(), which is a cleanup function. */
typedef struct Terminal {
        int fd;              /* borrowed; -EBADF: nothing to restore */
        struct termios saved;
        struct termios raw;
} Terminal;

#define TERMINAL_NONE ((Terminal) { .fd = -EBADF })

/* Every byte typed is data from now on. Of an output-only terminal only the output side changes. */
int terminal_make_raw(Terminal *t, int fd, bool input);
/* Again, after we were stopped and a shell has changed it. */
void terminal_raw_again(const Terminal *t);
void terminal_restore(Terminal *t);

/* Rows and columns of the terminal, 0 when it does not know. */
void terminal_size(int fd, unsigned *ret_rows, unsigned *ret_columns);

/* An fd of the same terminal or file that is non-blocking and shares no flags with fd: O_NONBLOCK set on what we share with the shell
 * would stay there. Where the file cannot be opened again (a pipe, another user's terminal) a duplicate: it blocks, poll(2) first. */
int terminal_reopen(int fd, int flags);
