/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* What this host's kernel executes, by the names that uname(2), systemd and images have for processors. */

bool host_architecture_is(const char *name);
/* The one that a personality of 32 bits shows. */
bool host_architecture_is_32bit_of(const char *name);
/* Either of them, one that an interpreter in binfmt_misc stands for, or a name that says nothing ("all"). */
bool host_architecture_runs(const char *name);
