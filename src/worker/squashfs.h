/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* A squashfs file system as root file system of an image: read by libsquashfs in a parser process (sandbox.h), which sends the same records as
 * the reader of archives (reader.h). It is read here and there, so it has to be a file. Only squashfs.c knows libsquashfs. */

/* in_fd: the file, of that size. The outcome is the last record; returns < 0 only when not even that could be written. */
int squashfs_run(int in_fd, uint64_t size, int out_fd);
