/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/failure.h"

/* Writes a tree as a tar archive (pax), with what the writer of an import understands: numeric owners, modes, times, hard links, holes, user.*
 * attributes, file capabilities, ACLs. Runs inside a container, whose files may change while they are read; only this file and reader.c
 * know libarchive. */

#define PACK_DEPTH_MAX 512U

/* Before the container's root is entered: makes libarchive and libc load what they would otherwise look for there. */
int pack_prepare(void);

/* The directory's entries are named "./x"; a file's single entry has its own name. Sockets are left out. */
int pack_run(int root_fd, const char *path, int out_fd, Failure *f);
