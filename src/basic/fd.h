/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>
#include <sys/types.h>

#include "basic/macro.h"

/* File descriptors: closing, whole reads and writes, flags. */

int fd_close(int fd); /* keeps errno, accepts a negative fd, returns -EBADF */
static inline void fd_closep(int *fd) {
        *fd = fd_close(*fd);
}
#define _cleanup_close_ _cleanup_(fd_closep)

static inline FILE *file_close(FILE *f) {
        fclose(f);
        return NULL;
}
DEFINE_CLEANUP(FILE *, file_close)
#define _cleanup_fclose_ _cleanup_(file_closep)

int fd_set_nonblock(int fd, bool on);
int fd_set_cloexec(int fd, bool on);

/* Writes all of it, or fails. */
int fd_write_all(int fd, const void *data, size_t size);

/* Reads until size bytes or end of file; returns the number read. */
ssize_t fd_read_all(int fd, void *data, size_t size);

/* Reads a whole small file or stream into a NUL-terminated string; -E2BIG when it is larger than max_bytes. */
int fd_read_string(int fd, size_t max_bytes, char **ret, size_t *ret_size);

/* Is readable while SIGTERM or SIGINT, which are blocked, is pending. */
int fd_open_stop_signals(void);

/* Closes every fd from 3 on except those listed (any order; changes the array's order). */
int fd_close_all_except(int *keep, size_t n_keep);
