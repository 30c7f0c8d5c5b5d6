/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/decompressor.h"

#include <assert.h>

#define BUFFER_SIZE (256U * 1024U)

const DecompressorFormat *decompressor_recognize(const uint8_t *data, size_t size) {
        static const DecompressorFormat *const formats[] = { &decompressor_gzip, &decompressor_xz, &decompressor_zstd };

        for (size_t i = 0; i < ELEMENTSOF(formats); i++)
                if (formats[i]->recognize(data, size))
                        return formats[i];
        return NULL;
}

int decompressor_init(Decompressor *d, const DecompressorFormat *format) {
        *d = (Decompressor) { .format = format, .buffer = malloc(BUFFER_SIZE), .state = format->new() };
        if (d->buffer && d->state)
                return 0;
        decompressor_done(d);
        return -ENOMEM;
}

void decompressor_done(Decompressor *d) {
        if (d->state)
                d->format->free(TAKE_PTR(d->state));
        free(TAKE_PTR(d->buffer));
        d->format = NULL;
}

static int refill(DecompressorStep *s, DecompressorInput input, void *userdata) {
        const void *data;
        ssize_t n;

        if (s->in_size > 0 || s->in_ended)
                return 0;
        n = input(userdata, &data);
        if (n < 0) {
                s->error = "reading failed";
                return -EIO;
        }
        s->in = data;
        s->in_size = (size_t) n;
        s->in_ended = n == 0;
        return 0;
}

ssize_t decompressor_read(Decompressor *d, DecompressorInput input, void *userdata, const void **ret) {
        DecompressorStep *s = &d->step;
        int r;

        assert(d->state && ret);

        s->out = d->buffer;
        s->out_size = BUFFER_SIZE;
        while (!d->ended && s->out_size > 0) {
                r = refill(s, input, userdata);
                if (r >= 0)
                        r = d->format->step(d->state, s);
                if (r < 0)
                        return r;
                d->ended = r == 0;
        }
        *ret = d->buffer;
        return (ssize_t) (BUFFER_SIZE - s->out_size);
}
