/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/storage.h"

/* Stores whose volumes are directories, Path=/volumes/ID; that directory is root's alone, so that nobody of the host gets at what containers
 * have made there, set-user-id programs among it. */

#define DIRECTORY_VOLUMES "volumes"

/* Path= has to be there already; volumes/ is made. */
int directory_open_volumes(const Storage *s, int *ret_fd, char **ret_error);
/* The volume itself. */
int directory_open_volume(const Storage *s, const char *id, int *ret_fd, char **ret_error);
int directory_check(const Storage *s, char **ret_error);
int directory_space(const Storage *s, uint64_t *ret_used, uint64_t *ret_free);
/* BERTH_STATE_DIR/stores/NAME where no Path= was said; the directory is made. */
/* Both directories, if they are empty. */
int directory_teardown(const Storage *s, char **ret_error);
int directory_setup(Storage *s, uint64_t size, char **ret_error);
int directory_mount(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error);
int directory_usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes);
