/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/manager.h"
#include "containerd/store.h"

/* One image: its record on disk. */

struct Image {
        char *fingerprint;  /* first: Table */
        Manager *manager;   /* borrowed, outlives us */
        StoreStamp stamp;
        ImageRecord record; /* valid after image_load() */
        bool damaged;       /* said once in the log */
};

int image_new(Manager *m, const char *fingerprint, Image **ret);
Image *image_free(Image *i); /* unlinks it */
DEFINE_CLEANUP(Image *, image_free)

/* Reads the record if it has changed. images_fd may be negative. */
int image_load(Image *i, int images_fd);
