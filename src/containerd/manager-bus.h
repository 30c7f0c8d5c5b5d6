/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/manager.h"
#include "containerd/store.h"

/* org.berth1.Manager, and the signals of all objects. */

int manager_bus_add(Manager *m);
const sd_bus_vtable *manager_bus_vtable(void);

int manager_bus_list_containers(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int manager_bus_list_images(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int manager_bus_list_jobs(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int manager_bus_create_container(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int manager_bus_import_image(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int manager_bus_bootstrap_image(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int manager_bus_pull_image(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int manager_bus_add_alias(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int manager_bus_remove_alias(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);

/* An array of the image's aliases, out of all. */
int manager_bus_append_aliases(sd_bus_message *reply, const StoreAlias *aliases, size_t n, const char *fingerprint);

/* Signals; a failure to send one is nobody's trouble but the debug log's. */
void manager_bus_signal(Manager *m, const char *member, const char *types, ...);
void manager_bus_object_added(Manager *m, const char *path, const char *interface);
void manager_bus_object_removed(Manager *m, const char *path, const char *interface);
void manager_bus_properties_changed(Manager *m, const char *path, const char *interface, const char *first, const char *second, const char *third);
