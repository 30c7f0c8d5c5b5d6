/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "basic/macro.h"

/* The window of a decompressor, which is what it may still refer to of all that came out: 64 MiB for xz -9, 128 MiB for zstd --long=27. A large one is in a
 * file without a name, so that a job's memory has a limit whatever the archive: what is in the page cache of that file the kernel writes out and takes back when
 * it is short of memory, as it does with the files that are unpacked. It has the disk to be as large as WINDOW_FILE_BYTES for a moment. */

#define WINDOW_FILE_BYTES (132U * 1024U * 1024U)
/* zstd -19, xz -6 to -8 and all that is smaller have theirs in memory. */
#define WINDOW_MEMORY_MAX (33U * 1024U * 1024U)

/* The file, below a directory on the disk that what is unpacked goes to; *ret_fd is for the process that decompresses. */
int window_make_file(int dir_fd, int *ret_fd);

/* Is it in use? */
bool window_file_used(int fd);

/* From now on, allocations larger than WINDOW_MEMORY_MAX are in this file; the fd is not needed any more. Without it all are in memory. When the disk is full
 * the process is killed by SIGBUS (mmap(2)). */
int window_map(int fd);

/* As malloc(3) and free(3); of a file there is only one at a time. From any thread. */
void *window_allocate(size_t size);
void window_free(void *p);
