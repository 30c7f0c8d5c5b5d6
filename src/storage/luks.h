/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"
#include "shared/key.h"
#include "storage/volume.h"

/* Encrypted volumes: ext4 in LUKS2 in a sparse file or a thin volume (luks-place.h). The store of this type that needs no file is
 * called "encrypted", and the one that a container is in which is only said to be encrypted.
 *
 * The device of an open volume is /dev/mapper/berth-ID. It is marked for removal as soon as it is there, and so goes, with its key and what is below it, a loop device
 * or that of a thin volume, when the last mount does, whoever was killed. As long as it is there the volume can be mounted again without a key. */

/* What volumes are made and opened with in this process, which works for one container; borrowed, NULL: none. */
void luks_use_key(const Key *k);

/* Can this host have any? Fails with a sentence. */
int luks_check(char **ret_error);
/* volume is one of this type. -EPERM when the old key is wrong; fails with a sentence. */
int luks_change_key(const Volume *volume, const Key *old, const Key *new, char **ret_error);

/* -EACCES for one that others than root can read; fails with a sentence. */
int luks_read_key_file(const char *path, Key **ret, char **ret_error);
/* Of one that is not open: from the next time on that it is opened, so much fits in (ext4_grow()). It never becomes smaller, and takes no more of the disk before
 * something is written. */
int luks_enlarge(const Volume *volume, uint64_t bytes, char **ret_error);

bool luks_is_open(const char *id);
/* An fd of the device of an open one, which keeps it open. */
int luks_open_device(const char *id);
/* The root directory of an open one. */
int luks_open_root(const char *id);
/* Its file system holds still, with all on the disk, for as long as this fd is open; but not when its owner is killed. */
int luks_freeze(const char *id);
void luks_thaw(int fd);
