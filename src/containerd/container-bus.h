/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* org.berth1.Container: the bus side of a container. */

int container_bus_add(Manager *m);
const sd_bus_vtable *container_bus_vtable(void);

int container_bus_path(const char *name, char **ret);
int container_bus_get(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
/* May one more of its owner's run? */
int container_bus_check_running(const Call *call, Container *c, sd_bus_error *error);
int container_bus_start(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_stop(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_restart(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_reboot(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_kill(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_freeze(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_thaw(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_clone(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_delete(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_rename(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_move(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_enable(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int container_bus_disable(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);

void container_bus_new(Container *c);
void container_bus_removed(Manager *m, const char *name);
/* Up to three names of properties, the rest NULL. */
void container_bus_changed(Container *c, const char *first, const char *second, const char *third);
