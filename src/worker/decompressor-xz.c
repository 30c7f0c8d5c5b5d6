/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <lzma.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>

#include "worker/decompressor.h"
#include "worker/window.h"

/* xz, of one or more streams, with as many threads as there are processors, blocks to share out (xz -T makes them) and memory. */

#define THREADS_MAX 4U
/* What all threads may take together, in memory alone. A file that needs more than that for one, because of its window, still gets it, up to the limit. */
#define THREADS_MEMORY_MAX (48U * 1024U * 1024U)
/* The same for blocks of which this has no room for two, when the disk lends some (window.h): those of 24 MiB that xz -T0 makes take 80 MiB in two threads
 * and 120 in three. */
#define THREADS_SPARE_MAX (126U * 1024U * 1024U)
/* xz -9, of which the window is 64 MiB */
#define MEMORY_MAX (72U * 1024U * 1024U)

typedef struct Unxz {
        lzma_stream z;
        bool begun;
} Unxz;

static bool recognize(const uint8_t *data, size_t size) {
        return size >= 6 && memcmp(data, "\xfd" "7zXZ", 6) == 0;
}

static void *allocate(_unused_ void *opaque, size_t n, size_t size) {
        return window_allocate(n * size); /* n is 1, as lzma_allocator says */
}

static void release(_unused_ void *opaque, void *p) {
        window_free(p);
}

/* What two threads take for blocks such as the first, by its header; 0: that does not say. */
static uint64_t two_threads_need(const uint8_t *data, size_t size) {
        lzma_filter filters[LZMA_FILTERS_MAX + 1];
        lzma_stream_flags flags;
        lzma_block block = { .version = 1, .filters = filters };
        uint64_t need = 0;

        if (size <= LZMA_STREAM_HEADER_SIZE || lzma_stream_header_decode(&flags, data) != LZMA_OK)
                return 0;
        data += LZMA_STREAM_HEADER_SIZE;
        block.check = flags.check;
        block.header_size = lzma_block_header_size_decode(data[0]);
        /* A zero there is the index of a file without blocks. */
        if (data[0] == 0 || size - LZMA_STREAM_HEADER_SIZE < block.header_size || lzma_block_header_decode(&block, NULL, data) != LZMA_OK)
                return 0;
        if (block.compressed_size <= THREADS_SPARE_MAX && block.uncompressed_size <= THREADS_SPARE_MAX)
                need = 2 * (block.compressed_size + block.uncompressed_size + lzma_raw_decoder_memusage(filters));
        lzma_filters_free(filters, NULL);
        return need;
}

/* The first block is taken for all: xz makes them of one size. */
static uint64_t threads_memory(const DecompressorStep *s) {
        const uint64_t need = two_threads_need(s->in, s->in_size), spare = MIN_OF(window_spare(), (size_t) THREADS_SPARE_MAX);

        return need > THREADS_MEMORY_MAX && need <= spare ? spare : THREADS_MEMORY_MAX;
}

static bool begin(Unxz *x, const DecompressorStep *s) {
        static const lzma_allocator allocator = { allocate, release, NULL };
        lzma_mt how = {
                .flags = LZMA_CONCATENATED,
                .memlimit_threading = threads_memory(s),
        };
        cpu_set_t cpus;

        /* liblzma takes the smaller one for both. */
        how.memlimit_stop = MAX_OF(how.memlimit_threading, (uint64_t) MEMORY_MAX);
        /* sysconf(3) reads files, and whoever unpacks has none. */
        how.threads = sched_getaffinity(0, sizeof cpus, &cpus) < 0 ? 1 : MAX_OF(MIN_OF((unsigned) CPU_COUNT(&cpus), THREADS_MAX), 1U);
        /* An arena for each thread would be 64 MiB of address space, of which the reader has little. */
        (void) mallopt(M_ARENA_MAX, 1);
        x->z.allocator = &allocator;
        x->begun = lzma_stream_decoder_mt(&x->z, &how) == LZMA_OK;
        return x->begun;
}

static void *new(void) {
        Unxz *x = malloc(sizeof *x);

        if (x)
                *x = (Unxz) { .z = LZMA_STREAM_INIT };
        return x;
}

static void xz_free(void *state) {
        Unxz *x = state;

        lzma_end(&x->z);
        free(x);
}

static int step(void *state, DecompressorStep *s) {
        Unxz *x = state;
        lzma_stream *z = &x->z;
        lzma_ret k;

        if (!x->begun && !begin(x, s)) {
                s->error = "out of memory";
                return -ENOMEM;
        }
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
