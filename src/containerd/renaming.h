/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* The way of a container to another name: a rename job does it on disk; if it is started at boot, PID 1 is told of its new unit and forgets the old one. */

int renaming_start(Container *c, const char *new_name, uid_t uid, const char *client, Done done, void *userdata, sd_bus_error *error);
