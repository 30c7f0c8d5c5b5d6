/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* PID 1 for payloads that are no init: runs the program as PID 2, reaps what is orphaned, passes signals on, and ends as the program did. */

/* Forks. Returns 0 in the child (PID 2, in a session of its own with the console as its controlling terminal), its pid in PID 1. */
int stub_init_fork(void);

/* Runs until pid has ended. Closes everything, socket_fd included, once the child has taken over. */
_noreturn_ void stub_init_run(pid_t pid, int socket_fd);
