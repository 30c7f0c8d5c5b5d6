/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "basic/macro.h"

/* A store: where the files are that containers write. What a container has written is a *volume*, whose root directory holds upper/ and work/, and lies
 * over the image by overlayfs (storage/rootfs.h) whatever the store: so containers share the image's pages in memory, and a store has to know nothing
 * of images, ids or merging. What differs is how a volume is made, copied, mounted, limited and removed; that is a row of storage_types.
 *
 * layers/ID/ in the state directory is there for each volume, in every store: it is what Layers= names, what is locked, renamed and counted
 * (worker/references.h). It holds upper/ and work/ itself in the overlay store; in the others a file "volume" (volume.h), written before the volume is
 * made and removed after it, so that whoever empties the trash finds the volumes of killed jobs. ID is the volume's name in the store. Until it is
 * published the directory has another name and is in a job's own directory.
 *
 * A store is described by stores.d/NAME.conf in /etc/berth over /usr/lib/berth, section [Store]; the administrator is trusted with what it says. The one
 * that needs no file is "default": overlay in the state directory; or btrfs when that is on btrfs. Containers say Store=NAME.
 *
 * All of this runs as the host's root, in jobs and in supervisors, and may run programs of the host (lvm, zfs). Functions return negative errno and, where
 * they have ret_error, a whole sentence for the person (owned by the caller) that names the store and the reason; NULL when there is only the errno. */

typedef struct Storage Storage;

typedef struct StorageType {
        const char *name; /* Type= */

        /* A volume is frozen by putting a new, empty one on top, which takes no copying: Layers=W F2 F1. Without it Layers= has one volume, and a snapshot is
         * a copy of it, which the store can make without copying files. */
        bool chains;

        /* It takes a key to look into a volume (luks.h): a copy has work/, too, and nobody looks. */
        bool sealed;

        /* Is it there, mounted, writable, and does the host have the programs? For `berthctl stores`, init, and before a volume is made. */
        int (*check)(const Storage *s, char **ret_error);

        /* layer_fd is layers/ID or what becomes it. An empty volume, its root root's with mode 0755: the caller makes upper/ and work/, and flushes it (syncfs(2)
         * on the mount). size: bytes it may take, 0: as the store says. -EEXIST: ID is taken. What fails leaves no volume. */
        int (*make)(const Storage *s, int layer_fd, const char *id, uint64_t size, char **ret_error);
        /* A new one with the same upper/; nobody writes to `from` meanwhile, but it may be mounted (its writers stand still). work/ may be left out: the caller
         * makes one where there is none. */
        int (*copy)(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error);
        /* -ENOENT when it is gone already; -EBUSY when it is mounted. */
        int (*remove)(const Storage *s, int layer_fd, const char *id, char **ret_error);

        /* A mount that is attached nowhere and can be written to, whose root holds upper/ and work/; a file system's own or a copy of the host's mount, so that it
         * can be given an idmap (mount_setattr(2)); also in a mount namespace where all of the host is read-only (ProtectSystem=strict). It may be mounted any number of times at once. When the last is gone the volume is closed again (device, key), by the kernel and
         * not by whoever opened it, who may be killed. */
        int (*mount)(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error);

        /* How much all of the store's volumes take, and what is left for more. NULL: not known. */
        int (*space)(const Storage *s, uint64_t *ret_used, uint64_t *ret_free);
        /* Makes what it is to be in as far as that is not there, for `berthctl init`; sets in s what was not said and is so settled. size: of a file, where no place is
         * named and it needs one; 0: a usual one. What was there with something in it is not overwritten. NULL: nothing to do. */
        int (*setup)(Storage *s, uint64_t size, char **ret_error);
        /* Takes away what setup() made, as far as that can be told and nothing is in it; no volume is. NULL: it stays. */
        int (*teardown)(const Storage *s, char **ret_error);

        /* Bytes on the disk that are this volume's alone. */
        int (*usage)(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes);
        /* Bytes that it may take from now on, UINT64_MAX: no limit; also while it is mounted. > 0, and NULL: project quota on upper/ and work/
         * of a mount does it (too). */
        int (*limit)(const Storage *s, int layer_fd, const char *id, uint64_t bytes, char **ret_error);

        /* The volume as a stream between stores of the same type, NULL: files are copied. */
        int (*send)(const Storage *s, int layer_fd, const char *id, int fd, char **ret_error);
        int (*receive)(const Storage *s, int layer_fd, const char *id, int fd, char **ret_error);
} StorageType;

struct Storage {
        const StorageType *type;
        char *name;
        char *path;    /* Path=: directory, btrfs: where volumes are */
        char *dataset; /* Dataset=: zfs, pool/name, below which volumes are datasets */
        char *group;   /* VolumeGroup=: lvm, luks */
        char *pool;    /* ThinPool=: lvm, luks: a thin pool of the group */
        uint64_t size; /* VolumeSize=: bytes of a volume that says nothing else; 0: the type's own */
};

extern const StorageType storage_overlay, storage_directory, storage_btrfs, storage_lvm, storage_zfs, storage_luks;
const StorageType *storage_type_find(const char *name);

#define STORAGE_NAME_MAX 63U
#define STORAGE_DEFAULT "default"
#define STORAGE_ENCRYPTED "encrypted" /* luks.h */
/* Letters, digits, '.', '_' and '-'; begins with a letter or digit. */
bool storage_name_valid(const char *name);

/* -ENOENT: there is no such store (with a sentence). -EBADMSG: its file has a mistake. */
int storage_load(const char *name, Storage **ret, char **ret_error);
/* What "default" was when a volume was made in it: a file "volume" says so of one of btrfs, nothing of one that is in layers/ID itself. */
int storage_load_default(const StorageType *type, Storage **ret);
/* The same for one that has no file yet: keys as in such a file, and its value. */
int storage_new(const char *name, const char *type, Storage **ret, char **ret_error);
int storage_set(Storage *s, const char *key, const char *value, char **ret_error);
/* The text of such a file. */
int storage_print(const Storage *s, char **ret);
/* Where it is, for people; may be NULL. */
const char *storage_place(const Storage *s);
/* Sorted names, "default" first. */
int storage_list(char ***ret);
Storage *storage_free(Storage *s);
DEFINE_CLEANUP(Storage *, storage_free)

/* Sets *ret_error to a sentence of this form, where %m is `error`, and returns -abs(error). */
int storage_fail(char **ret_error, int error, const char *format, ...) _printf_(3, 4);
