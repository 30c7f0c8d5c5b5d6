/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>

#include "settings/settings.h"
#include "storage/volume.h"
#include "worker/job.h"

/* Layers: what a container has written, directories upper/ and work/ in the foreign range in a volume of a store (storage/storage.h), put over one another and
 * over the image by overlayfs (storage/rootfs.h). The first of a container's Layers= is its own and is written to; the others are frozen and may be in
 * any number of containers and snapshots. Where the store has chains a layer is frozen by nothing but that a new one is put on top: no file is copied or
 * moved; else there is one layer, which is copied, in the store's way. Jobs that make, copy or remove the files of containers use this and know no store.
 *
 * All of them fail with a sentence, but where it says otherwise. */

/* A new layer while it is made, DIR/layer, for the caller to put below `layers` in the end. */
typedef struct OverlayLayer {
        char id[LAYER_ID_LENGTH + 1];
        int dir_fd;     /* borrowed; where it is made */
        int fd;         /* owned; layers/ID, or what becomes it */
        int root_fd;    /* owned; the directory that has upper/ and work/; negative: it is a copy that takes a key to look into */
        Volume volume;
        int layers_fd;  /* owned; layers/, with a shared lock from overlay_publish() on */
        bool published; /* it is in layers/, and removed again unless overlay_keep() was called */
} OverlayLayer;

#define OVERLAY_LAYER_NONE (OverlayLayer) { .dir_fd = -EBADF, .fd = -EBADF, .root_fd = -EBADF, .volume = VOLUME_NONE, .layers_fd = -EBADF }

/* An empty one in the store of this name whose root directory is as the directory `like`. */
int overlay_make(Job *j, int dir_fd, const char *store, int like_fd, OverlayLayer *ret);
/* One in the store of these layers, to which nobody writes, that begins where they are: over them, or with a copy of what the topmost has. What is to be
 * below it is *ret_below. */
int overlay_make_over(Job *j, int dir_fd, char *const *layers, char ***ret_below, OverlayLayer *ret);
/* One in the same store with the same files as `from`, which nobody changes meanwhile. */
int overlay_make_copy(Job *j, int dir_fd, const char *from, OverlayLayer *ret);
/* One with the files that the guest sees in the first n of these, topmost first; of the others, of mount/ in container_fd and of the image it depends what
 * has to be hidden. */
int overlay_merge_layers(Job *j, int dir_fd, char *const *ids, size_t n, int container_fd, const char *image, OverlayLayer *ret);
/* One in the store of this name with the files that the guest sees in these layers, whose own store may be another. */
int overlay_make_moved(Job *j, int dir_fd, const char *store, char *const *layers, int container_fd, const char *image, OverlayLayer *ret);
/* Into its place, where only who names it can find it. Not durable before layers/ is, with overlay_keep() or a flush of the file system. */
int overlay_publish(Job *j, OverlayLayer *l);
/* It is named now by a file that is durable; lets go of the lock. */
void overlay_keep(OverlayLayer *l);
void overlay_done(Job *j, OverlayLayer *l);
int overlay_sync(Job *j, const OverlayLayer *l);

/* Layers= of a container or snapshot. */
int overlay_get_layers(Job *j, const SettingsFile *f, char ***ret);
/* top may be NULL. */
int overlay_set_layers(Job *j, SettingsFile *f, const char *top, char *const *below);
/* The name of the store of the topmost. */
int overlay_store_name(Job *j, char *const *layers, char **ret);
/* Is one of these frozen by another on top of it? Else by a copy. */
int overlay_has_chains(Job *j, char *const *layers);
/* Has nothing been written since what is below was frozen? */
int overlay_is_unchanged(Job *j, char *const *layers);
/* The directory of what the topmost one holds. */
int overlay_open_top(Job *j, char *const *layers, int *ret_upper_fd);

/* What can be put below a new layer in the place of these: when they are too many, one with the same files. *layer is that one, if it was made. */
int overlay_bound(Job *j, int dir_fd, int container_fd, const char *image, char ***layers, OverlayLayer *ret);

/* For people who look for a container's files: containers/NAME/layer -> ../../layers/ID. No sentence, and nobody depends on it. */
void overlay_link(int container_fd, char *const *layers);

/* After the commit: moves those of the layers, and the image, that nobody names any more to trash_fd; of a store that cannot be read none, for the collect
 * job to try again. Only logs. */
void overlay_drop(Job *j, char *const *layers, const char *image, int trash_fd);
/* Is there an image of this fingerprint that is kept for the containers on it alone? */
bool overlay_keeps_image(Job *j, const char *image);
/* All that is left of a container and its snapshots, whose files are in container_fd, in the trash. Only logs. */
void overlay_drop_container(Job *j, int container_fd);
/* All that nobody names, into a directory in the trash; negative: the trash itself, which the collect job empties. Only logs. */
void overlay_collect(Job *j, int into_fd);

/* Notes in the layer how much it holds, which takes as long as there are files. Only logs. */
void overlay_note_size(Job *j, const char *id);
