/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* For ZSTD_createDCtx_advanced() alone, which libzstd exports and calls experimental: there is no other way to say where a window is to be. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

#include "worker/decompressor.h"
#include "worker/window.h"

/* zstd, of one or more frames, those that are to be skipped among them. */

#define MAGIC_SIZE 4U
#define WINDOW_LOG_MAX 27 /* 128 MiB, zstd(1)'s own limit, and all that --long wants */

typedef struct Unzstd {
        ZSTD_DCtx *context; /* owned */
        bool in_frame;      /* not at the end of one */
} Unzstd;

static bool recognize(const uint8_t *data, size_t size) {
        uint32_t magic;

        if (size < MAGIC_SIZE)
                return false;
        magic = (uint32_t) data[0] | (uint32_t) data[1] << 8 | (uint32_t) data[2] << 16 | (uint32_t) data[3] << 24;
        return magic == ZSTD_MAGICNUMBER || (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static void *allocate(_unused_ void *opaque, size_t size) {
        return window_allocate(size);
}

static void release(_unused_ void *opaque, void *p) {
        window_free(p);
}

static void unzstd_free(void *state) {
        Unzstd *u = state;

        (void) ZSTD_freeDCtx(u->context);
        free(u);
}

static void *new(void) {
        Unzstd *u = calloc(1, sizeof *u);

        if (!u)
                return NULL;
        u->context = ZSTD_createDCtx_advanced((ZSTD_customMem) { allocate, release, NULL });
        if (!u->context || ZSTD_isError(ZSTD_DCtx_setParameter(u->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) {
                unzstd_free(u);
                return NULL;
        }
        return u;
}

static int fail(DecompressorStep *s, ZSTD_ErrorCode code) {
        const bool memory = code == ZSTD_error_memory_allocation || code == ZSTD_error_frameParameter_windowTooLarge;

        s->error = ZSTD_getErrorString(code);
        return memory ? -ENOMEM : -EBADMSG;
}

static int step(void *state, DecompressorStep *s) {
        ZSTD_inBuffer in = { s->in, s->in_size, 0 };
        ZSTD_outBuffer out = { s->out, s->out_size, 0 };
        Unzstd *u = state;
        size_t k;

        if (s->in_size == 0 && !u->in_frame)
                return 0;
        k = ZSTD_decompressStream(u->context, &out, &in);
        if (ZSTD_isError(k))
                return fail(s, ZSTD_getErrorCode(k));
        /* Of a frame all of which has come, some may still have to go out. */
        if (s->in_size == 0 && out.pos == 0 && k != 0) {
                s->error = "the zstd file is cut short";
                return -EBADMSG;
        }
        u->in_frame = k != 0;
        s->in += in.pos;
        s->in_size -= in.pos;
        s->out += out.pos;
        s->out_size -= out.pos;
        return 1;
}

const DecompressorFormat decompressor_zstd = { recognize, new, unzstd_free, step };
