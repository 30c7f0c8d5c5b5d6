/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "launch/namespaces.h"

/* Mounts that come from outside, in the container's own mount namespace and by the container's own root: whatever the guest has made of the path,
 * it leads nowhere but into the guest. A guest can make a path that never answers (a file system of its own, by FUSE): who waits for that is killed,
 * and is left to the event loop, because a process that waits for an answer of FUSE cannot be killed until it comes. */

#define GUEST_MOUNT_TIMEOUT_MSEC (5 * 1000)

/* Attaches a detached mount; what is missing of the path is made, its end as a directory or an empty file. -ETIMEDOUT. */
int guest_mount_attach(const Namespaces *n, sd_event *event, int mount_fd, const char *path, bool directory);
/* Takes the topmost mount there away; unlink: the mount point, too. 0 when there is none. -ETIMEDOUT. */
int guest_mount_detach(const Namespaces *n, sd_event *event, const char *path, bool unlink);

/* Something else that may hang: function runs in a process of its own, born where our children are, but which has not entered the container. Its result comes
 * back as that of errno numbers does, 0…-255. */
int guest_mount_run(sd_event *event, int (*function)(void *userdata), void *userdata);
