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

/* What a caller means, with a sentence when it is none or could be several; those that he does not see are not named. only_seen: what
 * he does not see is not there. */
int image_find(Manager *m, const char *reference, bool only_seen, Image **ret, sd_bus_error *error);
/* To whom the call that is being served comes from. */
bool image_shows(const Image *i);

/* Reads the record if it has changed. images_fd may be negative. */
int image_load(Image *i, int images_fd);
