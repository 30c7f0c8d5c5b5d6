/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/unit-timeout.h"

#include <systemd/sd-daemon.h>

#include "basic/clock.h"
#include "basic/macro.h"

#define MARGIN_USEC (30 * USEC_PER_SEC)
/* PID 1 does not take an extension without end (systemd 252). */
#define EXTENSION_MAX_USEC (UINT64_C(365) * 24 * 3600 * USEC_PER_SEC)

void unit_timeout_extend(uint64_t usec) {
        (void) sd_notifyf(false, "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long) (MIN_OF(usec, EXTENSION_MAX_USEC) + MARGIN_USEC));
}
