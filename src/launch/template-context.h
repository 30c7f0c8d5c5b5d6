/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/template/value.h"
#include "settings/settings.h"

/* What templates see of a container: the maps trigger, path, container (also under LXD's newer name instance), config, devices, properties.
 * -ENOMEM when the arena is full. */
int template_context_new(Arena *a, const char *name, const Settings *s, Value **ret);

/* What differs between one template and the next. */
int template_context_set(Arena *a, Value *context, const char *trigger, const char *path, char *const *properties);
