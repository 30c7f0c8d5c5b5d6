/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* systemd-networkd as the keeper of berth's bridge and of nothing else. One that runs is told to read its files again. One that does not is
 * started, but only when that changes nothing else of the host's network: when it has no files but those that come with packages. */

int networkd_open(sd_bus **ret_bus, bool *ret_runs);
/* On failure *ret_error is the end of a sentence, or NULL. */
int networkd_bring_in(sd_bus *bus, bool runs, char **ret_error);
