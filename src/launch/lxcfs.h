/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "launch/lent-context.h"

/* The files of /proc that tell a container its limits instead of the host's size, from lxcfs, a file system by FUSE that the host may run. Whether
 * it answers is not taken for granted: it is looked at by a process that may hang. */

typedef struct Lxcfs Lxcfs;

/* Is it mounted? Asks it nothing. */
bool lxcfs_is_there(void);
/* Puts its files over those of the container's; those that a dead one left there go first. -ENODATA: it has none of the files. */
int lxcfs_attach(const Namespaces *n, sd_event *event);

/* Listens to PID 1 for lxcfs.service: the files of one that has ended only fail, so they go, and those of a new one come. */
int lxcfs_watch(sd_bus *bus, sd_event *event, const Namespaces *n, const char *container, Lxcfs **ret);
Lxcfs *lxcfs_free(Lxcfs *l);
DEFINE_CLEANUP(Lxcfs *, lxcfs_free)
