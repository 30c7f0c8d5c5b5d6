/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/gate.h"

/* Settings of all of the host (settings/server.h) on the bus: everybody may see them, and they are changed by a job. */

int server_bus_get(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int server_bus_list_stores(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int server_bus_remove_store(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int server_bus_add_store(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int server_bus_set(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
