/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* Files into and out of a container. The caller has opened his side himself; the rest is a job's. */

int transfer_bus_change_key(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int transfer_bus_copy_to(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int transfer_bus_copy_from(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
