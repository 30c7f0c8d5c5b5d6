/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/namespaces.h"

/* Mounts that come from outside, in the container's own mount namespace and by the container's own root: whatever the guest has made of the path,
 * it leads nowhere but into the guest. */

/* Attaches a detached mount; what is missing of the path is made, its end as a directory or an empty file. */
int guest_mount_attach(const Namespaces *n, int mount_fd, const char *path, bool directory);
/* Takes the topmost mount there away; unlink: the mount point, too. 0 when there is none. */
int guest_mount_detach(const Namespaces *n, const char *path, bool unlink);
