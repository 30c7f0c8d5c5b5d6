/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* Errors of the bus, as sentences for people: what failed, why, and what to do next. No I/O. */

/* r: what the call returned. error: as it came, or NULL. target: what it was about, or NULL. asked: an agent was there to ask for a password. */
int bus_error_explain(int r, const sd_bus_error *error, const char *verb, const char *target, bool asked, char **ret);
