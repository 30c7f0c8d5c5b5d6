/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <lzma.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>

#include "worker/decompressor.h"
#include "worker/window.h"

/* xz, of one or more streams, with as many threads as there are processors, blocks to share out (xz -T makes them) and memory. */

#define THREADS_MAX 4U
/* What all threads may take together. A file that needs more than that for one, because of its window, still gets it, up to the limit. */
#define THREADS_MEMORY_MAX (48U * 1024U * 1024U)
/* xz -9, of which the window is 64 MiB */
#define MEMORY_MAX (72U * 1024U * 1024U)

static bool recognize(const uint8_t *data, size_t size) {
        return size >= 6 && memcmp(data, "\xfd" "7zXZ", 6) == 0;
}

static void *allocate(_unused_ void *opaque, size_t n, size_t size) {
        return window_allocate(n * size); /* n is 1, as lzma_allocator says */
}

static void release(_unused_ void *opaque, void *p) {
        window_free(p);
}

static void *new(void) {
        static const lzma_allocator allocator = { allocate, release, NULL };
        lzma_mt how = {
                .flags = LZMA_CONCATENATED,
                .memlimit_threading = THREADS_MEMORY_MAX,
                .memlimit_stop = MEMORY_MAX,
        };
        lzma_stream *z = malloc(sizeof *z);
        cpu_set_t cpus;

        if (!z)
                return NULL;
        /* sysconf(3) reads files, and whoever unpacks has none. */
        how.threads = sched_getaffinity(0, sizeof cpus, &cpus) < 0 ? 1 : MAX_OF(MIN_OF((unsigned) CPU_COUNT(&cpus), THREADS_MAX), 1U);
        /* An arena for each thread would be 64 MiB of address space, of which the reader has little. */
        (void) mallopt(M_ARENA_MAX, 1);
        *z = (lzma_stream) LZMA_STREAM_INIT;
        z->allocator = &allocator;
        if (lzma_stream_decoder_mt(z, &how) != LZMA_OK)
                free(TAKE_PTR(z));
        return z;
}

static void xz_free(void *state) {
        lzma_stream *z = state;

        lzma_end(z);
        free(z);
}

static int step(void *state, DecompressorStep *s) {
        lzma_stream *z = state;
        lzma_ret k;

        z->next_in = s->in;
        z->avail_in = s->in_size;
        z->next_out = s->out;
        z->avail_out = s->out_size;
        k = lzma_code(z, s->in_ended ? LZMA_FINISH : LZMA_RUN);
        s->in = z->next_in;
        s->in_size = z->avail_in;
        s->out = z->next_out;
        s->out_size = z->avail_out;
        if (k == LZMA_STREAM_END)
                return 0;
        if (k == LZMA_OK || (k == LZMA_BUF_ERROR && !s->in_ended))
                return 1;
        s->error = k == LZMA_MEM_ERROR || k == LZMA_MEMLIMIT_ERROR ? "out of memory" :
                   k == LZMA_BUF_ERROR ? "the xz file is cut short" :
                   k == LZMA_OPTIONS_ERROR ? "the xz file needs what is not known here" : "the xz data is damaged";
        return k == LZMA_MEM_ERROR || k == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EBADMSG;
}

const DecompressorFormat decompressor_xz = { recognize, new, xz_free, step };
