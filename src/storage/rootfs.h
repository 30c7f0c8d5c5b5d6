/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"
#include "settings/settings.h"
#include "shared/userns.h"

/* A container's root file system: idmapped clones of the image's rootfs and the container's layers, put together by overlayfs. Used by the
 * supervisor, and by jobs that read or write a container's files.
 *
 * Three sets of ids meet here. On disk everything belongs to the foreign range, and what a container has beyond 65536 ids to those from
 * FURTHER_UID_BASE on. The container's user namespace maps 0…65535, or as many as IDMapSize= says, to the container's range. The overlay is mounted in a user namespace between the host's and the container's, the *outer* one: it has the
 * container's range and the host's root, under their host numbers. So set-user-id files and file capabilities count inside
 * (the container's namespace is a descendant of the file system's, mnt_may_suid()), the container has no say over the mount, and
 * the host's root can make files there, as `machinectl copy-to` does. What such a file is on disk until it is given to somebody is
 * the id after the foreign range, never 0.
 *
 * A privileged container has neither of the two user namespaces: the foreign range is mapped to the host's 0…65535, and the overlay is mounted in the
 * host's user namespace. It is mounted with the same options, so that either form reads what the other has written. */

typedef struct RootfsLayers {
        int image_fd; /* detached, idmapped, read-only mount of images/FP/rootfs */
        int extra_fd; /* detached, idmapped, read-only mount of containers/NAME/mount, which lies over the image; negative: there is none */
        int frozen_fds[LAYERS_MAX]; /* detached, idmapped, read-only mounts of layers/ID/upper, topmost first; they lie over these two */
        size_t n_frozen;
        int layer_fd; /* detached, idmapped mount of the volume of the one that is its own to write, with upper/ and work/ */
        bool still;   /* nothing is to be written: the layer's upper/ is one more read-only layer */
        int userns_fd; /* the map of these: from the ids on disk to the container's; negative: they are the same (foreign-range.h) */
} RootfsLayers;

#define ROOTFS_LAYERS_NONE { .image_fd = -EBADF, .extra_fd = -EBADF, .layer_fd = -EBADF, .userns_fd = -EBADF }

void rootfs_layers_close(RootfsLayers *l);

/* images/FINGERPRINT, or what it has become when it was removed while containers lie on it. An fd. */
int rootfs_open_image(int state_fd, const char *fingerprint);
/* What holds upper/ and work/ of layers/ID. An fd. *ret_error as of stores. */
int rootfs_open_layer(const char *id, char **ret_error);
/* Limits what layers/ID may take (UINT64_MAX: not at all), if that is for its store to do: > 0; 0: it is for who mounts it. */
int rootfs_limit_layer(const char *id, uint64_t bytes, char **ret_error);

/* As root of the host: makes the mounts. *ret_error as of stores. */
int rootfs_open_layers(const char *name, const Settings *s, RootfsLayers *ret, char **ret_error);

/* The maps of the outer user namespace (seen from the host's) and of the container's (seen from the outer one). */
#define ROOTFS_OUTER_RANGES 2U
void rootfs_outer_map(const Settings *s, UidRange ret[static ROOTFS_OUTER_RANGES]);
UidRange rootfs_container_map(const Settings *s);
/* What the container's root is on the host: 0 of a privileged container. */
uint32_t rootfs_id_base(const Settings *s);

/* In the outer user namespace and a mount namespace that belongs to it: the overlay, not attached anywhere. Closes the layers. */
int rootfs_assemble(RootfsLayers *layers, uint32_t id_base, int *ret_mount_fd);

/* Attaches it at the runtime directory in the caller's own mount namespace, where it can become the root. */
int rootfs_attach(int mount_fd, int *ret_root_fd);

/* Makes root_fd the root of the mount namespace and lets go of everything that was there before. */
int rootfs_pivot(int root_fd);

/* Turns the calling process, which must be a single-threaded child made for it, into root of the container's user namespace in the
 * container's (leader > 0: it runs) or in a private (leader 0: it is stopped; the caller holds its lock) mount namespace. The root of the
 * container is then *ret_root_fd, the process's own root and working directory too; no host file is reachable by path. /proc and /dev are
 * whatever the container has there and must not be trusted. */
int rootfs_enter(const char *name, const Settings *s, pid_t leader, int *ret_root_fd);

/* The same with the root file system alone, read-only, without anything that is mounted on it: of a container that is stopped, or that runs and is
 * held (the kernel only promises what is in layers that nobody writes to). */
int rootfs_enter_still(const char *name, const Settings *s, int *ret_root_fd);
