/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* Errors that other processes of berth name ("NoSpace", and a sentence) as errors of the bus. What they sent is data: a name
 * that is none becomes JobFailed, control characters are escaped. */

/* name and sentence may be NULL. Returns a negative errno, as sd_bus_error_set() does. */
int error_from_name(sd_bus_error *error, const char *name, const char *sentence);
/* "NAME sentence". */
int error_from_text(sd_bus_error *error, const char *text);
