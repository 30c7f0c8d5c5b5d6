/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/gunzip.h"

#include <assert.h>

#define WINDOW_GZIP_ONLY (15 + 16) /* inflateInit2(): the largest window, with gzip's header and trailer */

bool gunzip_recognize(const uint8_t *data, size_t size) {
        return size >= 3 && data[0] == 0x1f && data[1] == 0x8b && data[2] == 8;
}

int gunzip_init(Gunzip *g) {
        *g = (Gunzip) { .buffer = malloc(GUNZIP_BUFFER_SIZE) };
        if (!g->buffer || inflateInit2(&g->z, WINDOW_GZIP_ONLY) != Z_OK) {
                free(TAKE_PTR(g->buffer));
                return -ENOMEM;
        }
        return 0;
}

void gunzip_done(Gunzip *g) {
        if (!g->buffer)
                return;
        (void) inflateEnd(&g->z);
        free(TAKE_PTR(g->buffer));
}

static int refill(Gunzip *g, GunzipInput input, void *userdata) {
        const void *data;
        ssize_t n;

        if (g->z.avail_in > 0)
                return 1;
        n = input(userdata, &data);
        if (n < 0) {
                g->error = "reading failed";
                return -EIO;
        }
        g->z.next_in = (Bytef *) data;
        g->z.avail_in = (uInt) n;
        return n > 0;
}

ssize_t gunzip_read(Gunzip *g, GunzipInput input, void *userdata, const void **ret) {
        int r;

        assert(g && ret);

        g->z.next_out = g->buffer;
        g->z.avail_out = GUNZIP_BUFFER_SIZE;

        while (!g->ended && g->z.avail_out > 0) {
                r = refill(g, input, userdata);
                if (r < 0)
                        return r;
                if (r == 0) {
                        if (g->in_member) {
                                g->error = "the gzip file is cut short";
                                return -EBADMSG;
                        }
                        g->ended = true;
                        break;
                }
                if (!g->in_member) {
                        /* What is behind a member and is none itself is padding, which gzip(1) ignores too. */
                        if (*g->z.next_in != 0x1f) {
                                g->ended = true;
                                break;
                        }
                        (void) inflateReset(&g->z);
                        g->in_member = true;
                }

                r = inflate(&g->z, Z_NO_FLUSH);
                if (r == Z_STREAM_END)
                        g->in_member = false;
                else if (r != Z_OK && r != Z_BUF_ERROR) {
                        g->error = r == Z_MEM_ERROR ? "out of memory" : g->z.msg ?: "the gzip data is damaged";
                        return r == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
                }
        }

        *ret = g->buffer;
        return (ssize_t) (GUNZIP_BUFFER_SIZE - g->z.avail_out);
}
