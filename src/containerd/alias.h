/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/image.h"

/* Names of images: each change is an alias job. These answer the call m. */

int alias_add(Call *call, const char *alias, Image *image, sd_bus_message *m, sd_bus_error *error);
int alias_remove(Call *call, const char *alias, sd_bus_message *m, sd_bus_error *error);

/* Both fail with a sentence: unless it can be an alias at all, and unless it may be given to an image now. */
int alias_check_name(const char *alias, sd_bus_error *error);
int alias_check(Manager *m, const char *alias, sd_bus_error *error);
