/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* What our own unit may take to start or to stop, whichever it does: at least usec from now on, USEC_INFINITY for a year, and half a minute
 * for what comes behind. A later limit stays (sd_notify(3), EXTEND_TIMEOUT_USEC=). */
void unit_timeout_extend(uint64_t usec);
