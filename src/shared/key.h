/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "basic/macro.h"

/* What an encrypted volume is opened with: a passphrase, or the bytes of a file. It is in memory that is neither swapped nor dumped, that children do not
 * get, and that is erased when it goes. One newline at the end is not part of it, so that what an editor wrote can be typed. */

#define KEY_SIZE_MAX 4096U

typedef struct Key {
        size_t size;
        uint8_t data[KEY_SIZE_MAX + 1];
} Key;

/* To the end of the pipe, socket or file, and no longer than so long after another byte. -ENODATA: it is empty; -E2BIG; -ETIMEDOUT: nobody sends. */
int key_read(int fd, int timeout_msec, Key **ret);
/* One line of a terminal; -ECANCELED when there is a ^C in it. */
int key_read_line(int fd, Key **ret);
bool key_equal(const Key *a, const Key *b);
/* For a child's standard input: a pipe that holds it and has an end. A pipe's pages are never swapped. */
int key_to_pipe(const Key *k, int *ret_fd);

Key *key_free(Key *k);
DEFINE_CLEANUP(Key *, key_free)
