/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* What an archive is compressed with, for the formats where libarchive's own filters do not do: gzip's reads past checksums and lengths, and a flipped bit in
 * an image would go unnoticed; xz's has one thread; zstd's has its window in memory, however large (window.h). */

/* More input than is left; returns its size, 0 at the end, < 0 on failure. */
typedef ssize_t (*DecompressorInput)(void *userdata, const void **ret);

/* One step's input and room for output: what is used of either is taken off. */
typedef struct DecompressorStep {
        const uint8_t *in;
        size_t in_size;
        bool in_ended; /* nothing comes behind in */
        uint8_t *out;
        size_t out_size;
        const char *error; /* static, of a step that fails */
} DecompressorStep;

typedef struct DecompressorFormat {
        bool (*recognize)(const uint8_t *data, size_t size);
        void *(*new)(void); /* NULL: out of memory */
        void (*free)(void *state);
        int (*step)(void *state, DecompressorStep *s); /* > 0 to go on, 0 at the end, -EBADMSG or -ENOMEM */
} DecompressorFormat;

extern const DecompressorFormat decompressor_gzip, decompressor_xz, decompressor_zstd;

typedef struct Decompressor {
        const DecompressorFormat *format; /* NULL: there is none */
        void *state;                      /* owned */
        uint8_t *buffer;                  /* owned */
        DecompressorStep step;
        bool ended;
} Decompressor;

/* By the first bytes; NULL for what none of them is. */
const DecompressorFormat *decompressor_recognize(const uint8_t *data, size_t size);

int decompressor_init(Decompressor *d, const DecompressorFormat *format);
void decompressor_done(Decompressor *d);

/* Points *ret to what has been decompressed and returns its size, 0 at the end. -EBADMSG, -ENOMEM: d->step.error says why. */
ssize_t decompressor_read(Decompressor *d, DecompressorInput input, void *userdata, const void **ret);
