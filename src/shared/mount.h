/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/mount.h>

#include "basic/macro.h"

/* The new mount API (fsopen(2) and friends, Linux >= 5.2; idmapped mounts >= 5.12), by fd only: no target is ever resolved twice. */

/* A file system that is not attached anywhere. options: "key=value" or "flag" strings, may be NULL. attributes: MOUNT_ATTR_*. */
int mount_new(const char *type, const char *source, char *const *options, unsigned attributes, int *ret_fd);

/* A detached copy of the mount at path below dir_fd (AT_FDCWD, or path "" for dir_fd itself); recursive takes what is below it too. */
int mount_clone(int dir_fd, const char *path, bool recursive, int *ret_fd);

/* Maps the detached mount's ids through the user namespace. */
int mount_set_idmap(int mount_fd, int userns_fd);

int mount_set_attributes(int mount_fd, uint64_t set, uint64_t clear, bool recursive);

/* MS_PRIVATE, MS_SLAVE, MS_SHARED or MS_UNBINDABLE. */
int mount_set_propagation(int mount_fd, uint64_t type, bool recursive);
int mount_set_private(int mount_fd, bool recursive);
/* Is the mount that fd is on, in the caller's mount namespace, shared with others? */
int mount_is_shared(int fd);

/* Attaches the detached mount on the inode that target_fd is. */
int mount_attach(int mount_fd, int target_fd);
