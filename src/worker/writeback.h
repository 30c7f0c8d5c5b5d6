/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Has a file system written to the disk while there is still more to come, by a process of its own: else all of it would be left for the end, when there is
 * nothing else to do, and until then take memory that cannot be taken back. Only speed: what fails here is found by whoever flushes at the end. */

typedef struct Writeback {
        int file_system_fd; /* borrowed: anything on it */
        int tick_fd;        /* owned, to the process: a byte for each time; negative: it has not been needed */
        pid_t pid;
        uint64_t bytes;     /* since it was told the last time */
} Writeback;

#define WRITEBACK(fd) (Writeback) { .file_system_fd = (fd), .tick_fd = -EBADF }

/* So many bytes more have come. What comes while it is busy with those before is for the next time. */
void writeback_add(Writeback *w, uint64_t bytes);
/* Waits until it is done with what it is doing. */
void writeback_end(Writeback *w);
