/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* Programs of the system that berthctl runs as its caller: tar(1), journalctl(1). Fixed arguments, no shell. */

/* Starts argv[0], found in the standard directories, with these as standard input and output (-EBADF: ours). */
int process_start(const char *const *argv, int input, int output, pid_t *ret);
/* The exit code; 128 + N for one that signal N ended. */
int process_wait(pid_t pid);
