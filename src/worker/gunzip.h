/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>
#include <zlib.h>

#include "basic/macro.h"

/* gzip, of one or more members, with the checksum and length of each compared: libarchive's own filter reads past them, and a flipped bit in an
 * image would go unnoticed. */

typedef struct Gunzip {
        z_stream z;
        uint8_t *buffer;   /* owned */
        bool in_member;    /* not at the end of one */
        bool ended;
        const char *error; /* static, when gunzip_read() fails */
} Gunzip;

#define GUNZIP_BUFFER_SIZE (256U * 1024U)

bool gunzip_recognize(const uint8_t *data, size_t size);

int gunzip_init(Gunzip *g);
void gunzip_done(Gunzip *g);

/* More input than is left; returns its size, 0 at the end, < 0 on failure. */
typedef ssize_t (*GunzipInput)(void *userdata, const void **ret);

/* Points *ret to what has been decompressed and returns its size, 0 at the end. -EBADMSG: *g says why. */
ssize_t gunzip_read(Gunzip *g, GunzipInput input, void *userdata, const void **ret);
