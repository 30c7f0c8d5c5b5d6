/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* The way of a container back to a snapshot: it is stopped if it runs, a restore job gives it its layers and settings of then, and it is started again if it
 * ran, whether that was done or not. */

/* As in operation.h: error is set, or done() is called later. */
int restoration_start(Container *c, const char *snapshot, uid_t uid, const char *client, Done done, void *userdata, sd_bus_error *error);
