/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Trees of files as stores copy and count them. Nobody may change them meanwhile. */

/* Copies the directory name of from_fd to to_fd, where it is not yet, as it is: owners, modes, times, links, holes, whiteouts, extended
 * attributes with file capabilities and ACLs. cp(1) does it, which knows reflinks and every file system's ways; nothing is flushed.
 * On failure *ret_error is what it said, or NULL. */
int tree_copy_directory(int from_fd, int to_fd, const char *name, char **ret_error);

/* What its files take on the disk; of one with several links its share. */
int tree_measure(int tree_fd, uint64_t *ret_bytes);
