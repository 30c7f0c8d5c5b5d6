/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "worker/failure.h"

/* Writes a tree as a tar archive (pax), with what the writer of an import understands: numeric owners, modes, times, hard links, holes, user.*
 * attributes, file capabilities, ACLs. Runs inside a container, whose files may change while they are read; only this file and reader.c
 * know libarchive. */

#define PACK_DEPTH_MAX 512U

/* Before the container's root is entered: makes libarchive and libc load what they would otherwise look for there. */
int pack_prepare(void);

/* The directory's entries are named "./x"; a file's single entry has its own name. Sockets are left out. */
int pack_run(int root_fd, const char *path, int out_fd, Failure *f);

/* The whole tree as a unified image: metadata.yaml, templates/ and rootfs/. Device nodes are left out: an image cannot have them. */
typedef struct PackImage {
        const char *metadata;    /* the text of metadata.yaml */
        int templates_fd;        /* borrowed; negative: there are none */
        const char *compression; /* zstd, gzip, xz, none */
} PackImage;

bool pack_compression_known(const char *name);
int pack_image(int root_fd, const PackImage *image, int out_fd, Failure *f);
