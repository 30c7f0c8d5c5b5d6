/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"
#include "settings/settings.h"

/* A container's root file system, seen from inside: idmapped clones of the image's rootfs and the container's layer, put together by
 * overlayfs in the container's own user namespace. Used by the supervisor, and by jobs that read or write a container's files. */

typedef struct RootfsLayers {
        int image_fd; /* detached, idmapped, read-only mount of images/FP/rootfs */
        int layer_fd; /* detached, idmapped mount of containers/NAME/layer, with upper/ and work/ */
} RootfsLayers;

#define ROOTFS_LAYERS_NONE { .image_fd = -EBADF, .layer_fd = -EBADF }

void rootfs_layers_close(RootfsLayers *l);

/* As root of the host: makes the two mounts, mapped from the foreign range to the container's. */
int rootfs_open_layers(const char *name, const Settings *s, RootfsLayers *ret);

/* As root of the container's user namespace, in a mount namespace that belongs to it and where nothing propagates: the overlay, attached at
 * a place below the runtime directory (it must be in the namespace to be usable as a root). Closes the layers. */
int rootfs_assemble(RootfsLayers *layers, int *ret_root_fd);

/* Makes root_fd the root of the mount namespace and lets go of everything that was there before. */
int rootfs_pivot(int root_fd);

/* Turns the calling process, which must be a single-threaded child made for it, into root of the container's user namespace in the
 * container's (leader > 0: it runs) or in a private (leader 0: it is stopped; the caller holds its lock) mount namespace. The root of the
 * container is then *ret_root_fd, the process's own root and working directory too; no host file is reachable by path. /proc and /dev are
 * whatever the container has there and must not be trusted. */
int rootfs_enter(const char *name, const Settings *s, pid_t leader, int *ret_root_fd);
