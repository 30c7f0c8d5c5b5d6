/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Archives: the reader, with libarchive and the decompressors behind it, always ends with a record of the end or of an error, and sends nothing that who
 * receives it would not take.
 * fuzz: -max_len=8192 -malloc_limit_mb=512 -rss_limit_mb=2048 */

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "worker/reader.h"
#include "worker/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static StreamIn in;
        static int out = -EBADF;
        int kind;

        if (out < 0)
                out = memfd_create("records", MFD_CLOEXEC);
        must(out >= 0 && ftruncate(out, 0) == 0 && lseek(out, 0, SEEK_SET) == 0);
        must(reader_run(fuzz_memfd(data, size), out, size % 2) >= 0);

        must(lseek(out, 0, SEEK_SET) == 0);
        must(stream_in_init(&in, out) >= 0);
        do
                kind = stream_next(&in);
        while (kind == STREAM_ENTRY || kind == STREAM_DATA);
        must(kind == STREAM_END || kind == STREAM_ERROR);
        must(kind == STREAM_END || in.text[0]);
        stream_in_done(&in);
        return 0;
}
