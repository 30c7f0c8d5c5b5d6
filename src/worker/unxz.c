/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/unxz.h"

#include <assert.h>
#include <malloc.h>
#include <sched.h>
#include <string.h>

bool unxz_recognize(const uint8_t *data, size_t size) {
        return size >= 6 && memcmp(data, "\xfd" "7zXZ", 6) == 0;
}

int unxz_init(Unxz *u, uint64_t memory_max) {
        lzma_mt how = {
                .flags = LZMA_CONCATENATED,
                .memlimit_threading = UNXZ_THREADS_MEMORY_MAX,
                .memlimit_stop = memory_max,
        };
        cpu_set_t cpus;

        /* sysconf(3) reads files, and whoever unpacks has none. */
        how.threads = sched_getaffinity(0, sizeof cpus, &cpus) < 0 ? 1 : MAX_OF(MIN_OF((unsigned) CPU_COUNT(&cpus), UNXZ_THREADS_MAX), 1U);
        /* An arena for each thread would be 64 MiB of address space, of which the reader has little. */
        (void) mallopt(M_ARENA_MAX, 1);

        *u = (Unxz) { .z = LZMA_STREAM_INIT, .buffer = malloc(UNXZ_BUFFER_SIZE) };
        if (!u->buffer || lzma_stream_decoder_mt(&u->z, &how) != LZMA_OK) {
                free(TAKE_PTR(u->buffer));
                return -ENOMEM;
        }
        return 0;
}

void unxz_done(Unxz *u) {
        if (!u->buffer)
                return;
        lzma_end(&u->z);
        free(TAKE_PTR(u->buffer));
}

static int refill(Unxz *u, UnxzInput input, void *userdata) {
        const void *data;
        ssize_t n;

        if (u->z.avail_in > 0 || u->input_ended)
                return 0;
        n = input(userdata, &data);
        if (n < 0) {
                u->error = "reading failed";
                return -EIO;
        }
        u->z.next_in = data;
        u->z.avail_in = (size_t) n;
        u->input_ended = n == 0;
        return 0;
}

static int fail(Unxz *u, lzma_ret k) {
        u->error = k == LZMA_MEM_ERROR || k == LZMA_MEMLIMIT_ERROR ? "out of memory" :
                   k == LZMA_BUF_ERROR ? "the xz file is cut short" :
                   k == LZMA_OPTIONS_ERROR ? "the xz file needs what is not known here" : "the xz data is damaged";
        return k == LZMA_MEM_ERROR || k == LZMA_MEMLIMIT_ERROR ? -ENOMEM : -EBADMSG;
}

ssize_t unxz_read(Unxz *u, UnxzInput input, void *userdata, const void **ret) {
        lzma_ret k;
        int r;

        assert(u && ret);

        u->z.next_out = u->buffer;
        u->z.avail_out = UNXZ_BUFFER_SIZE;

        while (!u->ended && u->z.avail_out > 0) {
                r = refill(u, input, userdata);
                if (r < 0)
                        return r;
                k = lzma_code(&u->z, u->input_ended ? LZMA_FINISH : LZMA_RUN);
                if (k == LZMA_STREAM_END)
                        u->ended = true;
                else if (k != LZMA_OK && !(k == LZMA_BUF_ERROR && !u->input_ended))
                        return fail(u, k);
        }

        *ret = u->buffer;
        return (ssize_t) (UNXZ_BUFFER_SIZE - u->z.avail_out);
}
