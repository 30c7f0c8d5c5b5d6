/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* Child processes of one's own. */

/* fork(2): 0 in the child, its pid here, or negative errno. *ret_fd is this process's end of a pair of SOCK_SEQPACKET sockets. The other end is in the other process only, so that
 * each sees it when the other ends. */
pid_t child_fork_with_socket(int *ret_fd);

/* Waits for it. Returns 0 when it exited with 0, its exit status, or -signal when a signal ended it. */
int child_wait(pid_t pid);
/* The same, but kills it when it is still there after so long. */
int child_wait_timeout(pid_t pid, int timeout_msec);
