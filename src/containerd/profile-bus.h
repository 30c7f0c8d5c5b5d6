/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/gate.h"

/* Profiles on the bus: methods of the manager object. They are files that anybody may read; changes are a job's. */

int profile_bus_list(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int profile_bus_get(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int profile_bus_create(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int profile_bus_set(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int profile_bus_replace(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int profile_bus_copy(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int profile_bus_rename(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int profile_bus_delete(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);

/* An owner's Profiles=: each has to be one that owners may assign. */
int profile_bus_check_assignment(const Call *call, const char *names, sd_bus_error *error);
