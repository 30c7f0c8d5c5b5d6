/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <zlib.h>

#include "worker/decompressor.h"

/* gzip, of one or more members. */

#define WINDOW_GZIP_ONLY (15 + 16) /* inflateInit2(): the largest window, with gzip's header and trailer */
#define MAGIC 0x1f

typedef struct Gunzip {
        z_stream z;
        bool in_member; /* not at the end of one */
} Gunzip;

static bool recognize(const uint8_t *data, size_t size) {
        return size >= 3 && data[0] == MAGIC && data[1] == 0x8b && data[2] == 8;
}

static void *new(void) {
        Gunzip *g = calloc(1, sizeof *g);

        if (g && inflateInit2(&g->z, WINDOW_GZIP_ONLY) != Z_OK)
                free(TAKE_PTR(g));
        return g;
}

static void gunzip_free(void *state) {
        Gunzip *g = state;

        (void) inflateEnd(&g->z);
        free(g);
}

static int step(void *state, DecompressorStep *s) {
        Gunzip *g = state;
        int k;

        if (s->in_size == 0) {
                s->error = "the gzip file is cut short";
                return g->in_member ? -EBADMSG : 0;
        }
        if (!g->in_member) {
                /* What is behind a member and is none itself is padding, which gzip(1) ignores too. */
                if (*s->in != MAGIC)
                        return 0;
                (void) inflateReset(&g->z);
                g->in_member = true;
        }

        g->z.next_in = (Bytef *) s->in;
        g->z.avail_in = (uInt) s->in_size;
        g->z.next_out = s->out;
        g->z.avail_out = (uInt) s->out_size;
        k = inflate(&g->z, Z_NO_FLUSH);
        s->in = g->z.next_in;
        s->in_size = g->z.avail_in;
        s->out = g->z.next_out;
        s->out_size = g->z.avail_out;
        if (k == Z_STREAM_END)
                g->in_member = false;
        else if (k != Z_OK && k != Z_BUF_ERROR) {
                s->error = k == Z_MEM_ERROR ? "out of memory" : g->z.msg ?: "the gzip data is damaged";
                return k == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
        }
        return 1;
}

const DecompressorFormat decompressor_gzip = { recognize, new, gunzip_free, step };
