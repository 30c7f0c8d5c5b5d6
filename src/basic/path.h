/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "basic/macro.h"

/* Files and trees below a held directory fd. Everything below a container or image tree goes through path_open_in_root(): nothing in
 * such a tree may lead out of it, whatever its symlinks say. */

/* openat2(2) with RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS: `..` and absolute symlinks end at root_fd. path may begin with '/'.
 * O_CLOEXEC is added. */
int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode);

/* openat2(2) with RESOLVE_BENEATH|RESOLVE_NO_SYMLINKS|RESOLVE_NO_MAGICLINKS: for trees that only berth writes. */
int path_open_beneath(int dir_fd, const char *path, int flags, mode_t mode);

/* Reads a regular file of at most max_bytes (in dir_fd, no symlink); -E2BIG, -ENOENT, -EBADMSG for what is no regular file. */
int path_read(int dir_fd, const char *name, size_t max_bytes, char **ret, size_t *ret_size);

/* Replaces name in dir_fd: temporary file, fsync, rename, fsync of the directory. After success the content is durable; after
 * failure the old file is as it was. */
int path_write_atomic(int dir_fd, const char *name, const void *data, size_t size, mode_t mode);

int path_sync_directory(int dir_fd);

/* Creates the directory when it is not there and opens it (O_DIRECTORY|O_NOFOLLOW). */
int path_make_directory(int dir_fd, const char *name, mode_t mode);

/* Removes name below dir_fd with all that is in it, never following symlinks, never leaving the file system it starts on, without
 * recursion (a hostile tree may be any depth). -ENOENT when there is none. */
int path_remove_tree(int dir_fd, const char *name);
