/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/image.h"

/* org.berth1.Image: the bus side of an image. */

int image_bus_add(Manager *m);
const sd_bus_vtable *image_bus_vtable(void);

int image_bus_path(const char *fingerprint, char **ret);
int image_bus_get(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int image_bus_remove(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int image_bus_add_alias(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);

int image_bus_set(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int image_bus_get_metadata(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int image_bus_replace_metadata(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int image_bus_export(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int image_bus_append_properties(sd_bus_message *reply, const Image *i); /* a{ss} */

void image_bus_new(Image *i);
void image_bus_changed(Image *i); /* its aliases, or what is said of it */
void image_bus_removed(Manager *m, const char *fingerprint);
