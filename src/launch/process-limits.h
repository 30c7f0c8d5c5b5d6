/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "settings/settings.h"

/* Resource limits, nice level, scheduling and OOM score of the payload's processes. The payload's PID 1 gets them from outside, before its
 * program runs: inside its user namespace it could raise none. A command of `berthctl exec` gives them to itself before it enters. */

/* pid 0: the caller. *ret_name: the setting that could not be applied; static. */
int limits_apply(const Settings *s, pid_t pid, const char **ret_name);

/* The capabilities, as bits, that later commands need for it; 0 where nothing is set that needs any. */
uint64_t limits_capabilities(const Settings *s);
