/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/namespaces.h"
#include "settings/device.h"

/* Device nodes of the host in a container. No process in a user namespace can make one; it is made outside, owned by the container's ids, and
 * mounted. > 0: the source is not there and not required. */
int node_add(const char *container, uint32_t uid_base, const Namespaces *n, const Device *d, char **ret_error);
int node_remove(const Namespaces *n, const Device *d, char **ret_error);
