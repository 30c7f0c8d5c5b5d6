/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/storage.h"

/* Volumes that are thin logical volumes of LVM, berth-ID in the store's VolumeGroup= and ThinPool=; what is in one is for the store's type to say. A copy is a thin
 * snapshot. Nothing but lvm(8) changes the group; what it is told are names that berth has made, and the two of the store's file.
 *
 * A volume is only active while somebody has it open, be it a mount or a device that lies on it: whoever opens it has the kernel take the device away with the last who
 * does (deferred removal of the device-mapper), however that one ends. So who opens one may find a device that goes just then, and activates it again. Functions are as
 * those of a type (storage.h); nothing is in layers/ID. */

int thin_pool_check(const Storage *s, char **ret_error);
int thin_pool_space(const Storage *s, uint64_t *ret_used, uint64_t *ret_free);
/* Makes the pool, if it is not there yet. size 0: of most of what is free in the group. */
int thin_pool_setup(Storage *s, uint64_t size, char **ret_error);

/* One that reads as zeros, and its device, which stays until it has been opened another time: whoever has one made puts something in it and opens it. -EEXIST. */
int thin_volume_make(const Storage *s, int layer_fd, const char *id, uint64_t size, int *ret_fd, char **ret_error);
int thin_volume_copy(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error);
/* -ENOENT, -EBUSY: somebody has it open. */
int thin_volume_remove(const Storage *s, int layer_fd, const char *id, char **ret_error);
/* Its device, for reading: whatever else it is for opens it by its path (dm_path()), which stays its own as long as this is open. */
int thin_volume_open(const Storage *s, int layer_fd, const char *id, int *ret_fd, char **ret_error);
int thin_volume_usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes);
/* > 0: it has become larger, which it may while it is open; 0: it was as large as that. */
int thin_volume_enlarge(const Storage *s, int layer_fd, const char *id, uint64_t bytes, char **ret_error);
