/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* The way of a container out of the host: it is stopped if that was asked for, taken out of the boot, its files are removed by a delete job, and
 * PID 1 forgets that its unit may have failed. From the first step on nothing else may be begun with it. */

/* As in operation.h: error is set, or done() is called later. */
int deletion_start(Container *c, bool force, uid_t uid, const char *client, Done done, void *userdata, sd_bus_error *error);

/* Deletes an ephemeral container that has run and does so no more. Called when its unit has ended and when the manager starts, so it
 * does not matter whether the manager was there at the end. */
void deletion_reap(Container *c);
