/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Programs of the host that stores need: mkfs, systemctl, btrfs, lvm, zfs. A job is in a sandbox that they were never written for (locks in /run, capabilities,
 * limits): from there they run in a unit of their own. */

/* Runs argv[0] from where the system's programs are, in the C locale, standard input empty. *ret_output (may be NULL): what it writes to standard output, which is
 * thrown away else. On failure *ret_error is a sentence with what it complained of on standard error. -ENOENT: there is no such program. */
int program_run(char *const *argv, char **ret_output, char **ret_error);
/* The same with its standard input (negative: empty) and output (negative: thrown away) in files or pipes. */
int program_run_with(char *const *argv, int input_fd, int output_fd, char **ret_error);
bool program_exists(const char *name);
