/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/gate.h"

/* Servers of images that have a name (settings/remote.h), what they have, and images that are kept in step with them. */

int remote_bus_list(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int remote_bus_add(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int remote_bus_remove(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int remote_bus_list_images(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int remote_bus_refresh(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
