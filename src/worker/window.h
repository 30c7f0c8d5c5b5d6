/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "basic/macro.h"

/* What a decompressor keeps: the window, which is what it may still refer to of all that came out (64 MiB for xz -9, 128 MiB for zstd --long=27), and what
 * several threads work on. As much of it as a usual archive wants is in memory and the rest in a file without a name, so that a job's memory has a limit
 * whatever the archive: what is in the page cache of that file the kernel writes out and takes back when it is short of memory, as it does with the files that
 * are unpacked. It has the disk to be as large as WINDOW_FILE_BYTES for a moment. */

#define WINDOW_FILE_BYTES (132U * 1024U * 1024U)
/* zstd -19, xz -6 to -8 and all that is smaller have their window in memory, and so have two threads for the blocks of xz -T2 -3. */
#define WINDOW_MEMORY_MAX (44U * 1024U * 1024U)

/* The file, below a directory on the disk that what is unpacked goes to; *ret_fd is for the process that decompresses. */
int window_make_file(int dir_fd, int *ret_fd);

/* Is it in use? */
bool window_file_used(int fd);

/* From now on, what is more than WINDOW_MEMORY_MAX together is in this file; the fd is not needed any more. Without it all is in memory. When the disk is
 * full the process is killed by SIGBUS (mmap(2)). */
int window_map(int fd);

/* How many bytes may be taken for speed alone: without a file, or with one on a disk that is rather full, what memory has. */
size_t window_spare(void);

/* As malloc(3) and free(3), NULL when there is no room left in the file either. From any thread. */
void *window_allocate(size_t size);
void window_free(void *p);
