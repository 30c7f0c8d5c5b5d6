/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The records between the archive's reader and the writer: whatever a reader sends that was taken over, names have no NUL and fit, data stays in its file.
 * fuzz: -max_len=12288 */

#include "fuzz.h"
#include "worker/entry-path.h"
#include "worker/stream.h"

static void entry(StreamIn *in) {
        char name[STREAM_ATTRIBUTE_NAME_MAX + 1];
        size_t position = 0, n;
        const char *problem;
        const void *value;

        must(strlen(in->path) == in->entry.path_size);
        must(strlen(in->link) == in->entry.link_size);
        must((in->entry.mode & ~07777U) == 0);
        while (stream_next_attribute(in, &position, name, &value, &n) > 0) {
                /* Each byte is looked at. */
                for (size_t i = 0; i < n; i++)
                        (void) ((const volatile uint8_t *) value)[i];
                must(strlen(name) <= STREAM_ATTRIBUTE_NAME_MAX);
        }
        if (entry_path_normalize(in->path, &problem) < 0)
                must(problem);
        else
                must(in->path[0] != '/' && !strstr(in->path, "//"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static StreamIn in;
        const void *piece;
        uint64_t end = 0;
        ssize_t n;
        int kind;

        int fd = fuzz_memfd(data, size);

        /* Its buffers are kept: to get a megabyte from the kernel each time takes longer than all else. */
        if (!in.buffer)
                must(stream_in_init(&in, fd) >= 0);
        else
                in = (StreamIn) { .fd = fd, .buffer = in.buffer, .attributes = in.attributes };
        while ((kind = stream_next(&in)) > 0) {
                if (kind == STREAM_ENTRY) {
                        end = 0;
                        entry(&in);
                } else if (kind == STREAM_DATA) {
                        must(in.data.offset >= end);
                        end = in.data.offset + in.data.size;
                        must(end <= in.entry.size);
                        while ((n = stream_take_data(&in, &piece)) > 0)
                                must(n <= (ssize_t) in.data.size);
                } else
                        break;
        }
        must(kind == STREAM_END || kind == STREAM_ERROR || kind == -EBADMSG || kind == -ENODATA);
        return 0;
}
