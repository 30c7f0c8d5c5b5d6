/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* A container's devices on the bus. They are settings, changed by a configure job; what runs is told by that job. */

int device_bus_list(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int device_bus_add(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int device_bus_add_disk(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int device_bus_set(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int device_bus_remove(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
