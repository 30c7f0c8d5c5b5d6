/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/gate.h"

/* Statistics on the bus: of all containers that the caller sees, or of one. Names of figures are figure_to_string()'s; one that is not known is
 * left out. */

int statistics_bus_list(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int statistics_bus_get(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
