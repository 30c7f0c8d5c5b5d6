/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <lzma.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* xz, of one or more streams, with as many threads as there are processors, blocks to share out (xz -T makes them) and memory: libarchive's own filter
 * has one. */

typedef struct Unxz {
        lzma_stream z;
        uint8_t *buffer;   /* owned */
        bool input_ended, ended;
        const char *error; /* static, when unxz_read() fails */
} Unxz;

#define UNXZ_BUFFER_SIZE (256U * 1024U)
#define UNXZ_THREADS_MAX 4U
/* What all threads may take together. A file that needs more than that for one, because of its window, still gets it, up to the reader's limit. */
#define UNXZ_THREADS_MEMORY_MAX (48U * 1024U * 1024U)

bool unxz_recognize(const uint8_t *data, size_t size);

int unxz_init(Unxz *u, uint64_t memory_max);
void unxz_done(Unxz *u);

/* As of gunzip.h. */
typedef ssize_t (*UnxzInput)(void *userdata, const void **ret);
ssize_t unxz_read(Unxz *u, UnxzInput input, void *userdata, const void **ret);
