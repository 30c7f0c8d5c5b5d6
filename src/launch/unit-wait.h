/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* Units of PID 1's that the supervisor has asked for, while nothing else is to be done: short waits, by looking. */

#define UNIT_WAIT_USEC (5 * USEC_PER_SEC)

/* "active", "inactive", … as PID 1 says; of a unit that does not exist "inactive". */
int unit_state(sd_bus *bus, const char *unit, char **ret);
/* Until it is active, or until it is not any more. -EIO: it came to another end, -ETIMEDOUT. */
int unit_wait(sd_bus *bus, const char *unit, bool active, uint64_t timeout_usec);
