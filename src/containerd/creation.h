/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* A new container: its name and image are settled, the create job makes its files. Answers the call m with name and path. */

/* name: "" for a generated one. image: an alias, a fingerprint or the beginning of one. */
int creation_start(Call *call, const char *name, const char *image, char *const *settings, bool ephemeral, sd_bus_message *m, sd_bus_error *error);
