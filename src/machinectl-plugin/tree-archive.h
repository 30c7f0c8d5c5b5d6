/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* A directory of the caller's as a stream of tar, for an image: with all that it has, under the numbers of its owners, the same directory always
 * as the same bytes. One that could not be read whole ends before its end mark, so that nobody takes it for whole. */

/* A tree whose root belongs to an id beyond the first 65536 is that of a container with a user namespace: its owners are told as they are in there, which
 * takes an administrator.
 * *ret_fd: where to read it from; *ret_pid: to be waited for, its exit code is tar's. Reports failures. */
int tree_archive_start(int directory_fd, int *ret_fd, pid_t *ret_pid);
