/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"
#include "settings/settings.h"
#include "shared/userns.h"

/* A container's root file system: idmapped clones of the image's rootfs and the container's layer, put together by overlayfs. Used by the
 * supervisor, and by jobs that read or write a container's files.
 *
 * Three sets of ids meet here. On disk everything belongs to the foreign range. The container's user namespace maps 0…65535 to the
 * container's range. The overlay is mounted in a user namespace between the host's and the container's, the *outer* one: it has the
 * container's range and the host's root, under their host numbers. So set-user-id files and file capabilities count inside
 * (the container's namespace is a descendant of the file system's, mnt_may_suid()), the container has no say over the mount, and
 * the host's root can make files there, as `machinectl copy-to` does. What such a file is on disk until it is given to somebody is
 * the id after the foreign range, never 0. */

typedef struct RootfsLayers {
        int image_fd; /* detached, idmapped, read-only mount of images/FP/rootfs */
        int extra_fd; /* detached, idmapped, read-only mount of containers/NAME/mount, which lies over the image; negative: there is none */
        int layer_fd; /* detached, idmapped mount of containers/NAME/layer, with upper/ and work/ */
} RootfsLayers;

#define ROOTFS_LAYERS_NONE { .image_fd = -EBADF, .extra_fd = -EBADF, .layer_fd = -EBADF }

void rootfs_layers_close(RootfsLayers *l);

/* As root of the host: makes the two mounts. */
int rootfs_open_layers(const char *name, const Settings *s, RootfsLayers *ret);

/* The maps of the outer user namespace (seen from the host's) and of the container's (seen from the outer one). */
#define ROOTFS_OUTER_RANGES 2U
void rootfs_outer_map(uint32_t uid_base, UidRange ret[static ROOTFS_OUTER_RANGES]);
UidRange rootfs_container_map(uint32_t uid_base);

/* In the outer user namespace and a mount namespace that belongs to it: the overlay, not attached anywhere. Closes the layers. */
int rootfs_assemble(RootfsLayers *layers, uint32_t uid_base, int *ret_mount_fd);

/* Attaches it at the runtime directory in the caller's own mount namespace, where it can become the root. */
int rootfs_attach(int mount_fd, int *ret_root_fd);

/* Makes root_fd the root of the mount namespace and lets go of everything that was there before. */
int rootfs_pivot(int root_fd);

/* Turns the calling process, which must be a single-threaded child made for it, into root of the container's user namespace in the
 * container's (leader > 0: it runs) or in a private (leader 0: it is stopped; the caller holds its lock) mount namespace. The root of the
 * container is then *ret_root_fd, the process's own root and working directory too; no host file is reachable by path. /proc and /dev are
 * whatever the container has there and must not be trusted. */
int rootfs_enter(const char *name, const Settings *s, pid_t leader, int *ret_root_fd);
