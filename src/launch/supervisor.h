/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* One container, from the lock on its directory to the end of its payload. */

typedef struct SupervisorOptions {
        const char *name;
        bool run_in; /* instead of its own init: a stub init, for one exec, and the end with it */
} SupervisorOptions;

/* The unit restarts the supervisor on this exit status (RestartForceExitStatus= of berth@.service): the guest asked for a reboot, and settings
 * are read again. */
#define SUPERVISOR_EXIT_REBOOT 133

/* Returns the exit status of the program. */
int supervisor_run(const SupervisorOptions *options);
