/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* The end of a child process of one's own. */

/* Waits for it. Returns 0 when it exited with 0, its exit status, or -signal when a signal ended it. */
int child_wait(pid_t pid);
/* The same, but kills it when it is still there after so long. */
int child_wait_timeout(pid_t pid, int timeout_msec);
