/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/lent-context.h"
#include "launch/node-find.h"
#include "settings/device.h"

/* Device nodes of the host in a container. No process in a user namespace can make one; it is made outside, owned by the container's ids, and
 * mounted. */

/* All that the host has of it now; *given is what the container has got. > 0: there is none, and none is required. */
int node_add(const LentContext *c, const Device *d, FoundNodes *given, char **ret_error);
int node_remove(const LentContext *c, const Device *d, FoundNodes *given, char **ret_error);
/* What the host has has changed. > 0: so has what is given. */
int node_refresh(const LentContext *c, const Device *d, FoundNodes *given, char **ret_error);
/* One that is not in the settings: a detached mount of it. Its name in the container's directory below /run stays until it is mounted. */
int node_make(const char *container, const char *name, uid_t uid, gid_t gid, mode_t mode, dev_t device, int *ret_fd);
void node_forget(const char *container, const char *name);
