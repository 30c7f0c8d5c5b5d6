/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/storage.h"

/* Where the LUKS2 of an encrypted volume is: in a sparse file, layers/ID/luks, or volumes/ID in the store's Path=; or in a thin volume of the store's
 * VolumeGroup=. Functions are as those of a type (storage.h); they have a sentence only where it says more than the errno. */

typedef struct LuksPlace {
        int (*check)(const Storage *s, char **ret_error);
        int (*space)(const Storage *s, uint64_t *ret_used, uint64_t *ret_free);
        int (*setup)(Storage *s, uint64_t size, char **ret_error);

        /* size bytes that read as zeros, and a descriptor for berth-luks. */
        int (*make)(const Storage *s, int layer_fd, const char *id, uint64_t size, int *ret_fd, char **ret_error);
        /* For berth-luks, which writes. What is open below the device that it makes is closed with that. */
        int (*open)(const Storage *s, int layer_fd, const char *id, int *ret_fd, char **ret_error);
        int (*copy)(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error);
        int (*remove)(const Storage *s, int layer_fd, const char *id, char **ret_error);
        int (*usage)(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes);
        /* At least as large as this, which takes no more of the disk before something is written. */
        int (*enlarge)(const Storage *s, int layer_fd, const char *id, uint64_t bytes, char **ret_error);
} LuksPlace;

const LuksPlace *luks_place(const Storage *s);
