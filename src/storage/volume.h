/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"
#include "storage/storage.h"

/* Which store a layer's files are in: the file layers/ID/volume, "STORE ID" and a newline, or none where they are in layers/ID itself. Only what is the
 * host's root's counts: what containers write is never. It is the truth for each layer, whatever the container's settings or the host's default say. */

#define VOLUME_FILE "volume"

typedef struct Volume {
        int layer_fd;     /* borrowed: layers/ID, or what becomes it */
        Storage *store;   /* owned */
        char id[LAYER_ID_LENGTH + 1];
} Volume;

#define VOLUME_NONE (Volume) { .layer_fd = -EBADF }

void volume_done(Volume *v);

/* Does the file in layers/ID, or what becomes or was it, say that this store has the volume? */
bool volume_is_in_store(int layer_fd, const char *store);

/* layer_fd: opened with O_RDONLY. id: what layers/ID is called, for where there is no file. Fails with a sentence where there is one to say. */
int volume_open(int layer_fd, const char *id, Volume *ret, char **ret_error);
/* layers/ID/ alone. */
int volume_open_layer(int state_fd, const char *id, int *ret_layer_fd);

/* Notes that layer_fd is going to have a volume in this store, durably, and makes it. Takes the store in any case. */
int volume_make(int layer_fd, Storage *store, const char *id, Volume *ret, char **ret_error);
int volume_make_copy(int layer_fd, const Volume *from, const char *id, Volume *ret, char **ret_error);

/* The same files in another store of the same type, by a stream. -EOPNOTSUPP: there is none between these two, and nothing was done; the store is taken else. */
int volume_make_streamed(int layer_fd, const Volume *from, Storage *store, const char *id, Volume *ret, char **ret_error);

/* A directory whose entries are upper/ and work/. */
int volume_open_root(const Volume *v, int *ret_fd, char **ret_error);
/* A mount of it that is attached nowhere. */
int volume_mount(const Volume *v, int *ret_mount_fd, char **ret_error);
int volume_usage(const Volume *v, uint64_t *ret_bytes);

/* Removes the volumes of all layers that are in dir_fd/name, or that this is: of what is in the trash or was not finished. Then the directory can be
 * removed. -ENOENT: there is no such directory. */
int volumes_remove(int dir_fd, const char *name, char **ret_error);
