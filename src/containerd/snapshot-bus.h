/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* Snapshots on the bus: methods of their container, by their names. */

int snapshot_bus_take(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int snapshot_bus_restore(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int snapshot_bus_list(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int snapshot_bus_list_all(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int snapshot_bus_get_settings(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int snapshot_bus_rename(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int snapshot_bus_set_expiry(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int snapshot_bus_delete(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
