/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/unit-timeout.h"

#include <systemd/sd-daemon.h>

#include "basic/clock.h"

#define MARGIN_USEC (30 * USEC_PER_SEC)

void unit_timeout_extend(uint64_t usec) {
        uint64_t extension = usec >= USEC_INFINITY - MARGIN_USEC ? USEC_INFINITY : usec + MARGIN_USEC;

        (void) sd_notifyf(false, "EXTEND_TIMEOUT_USEC=%llu", (unsigned long long) extension);
}
