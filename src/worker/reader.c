/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "worker/decompressor.h"
#include "worker/entry-attributes.h"
#include "worker/stream.h"

#define IN_BUFFER_SIZE (256U * 1024U)
/* What a file says of itself at its beginning: of all of them xz says most, in a stream's header and that of a block. */
#define PEEK_SIZE (12U + 1024U)

/* Two libarchive readers, one behind the other: the outer one (or decompressor.h) only decompresses, the inner one only knows tar and gets what the
 * outer one gives. So everything that comes out can be counted, the rest after the archive's end is decompressed too (the checksums of
 * compressed files are at their end), and no mixture of formats that libarchive knows is possible.
 *
 * All this in the C locale: libarchive then takes names as the bytes they are. In a UTF-8 locale it would bring those of pax headers into Unicode
 * normalization form C, and a file of another name would come out. */
typedef struct Reader {
        int in_fd;
        struct archive *outer; /* NULL: there is a decompressor */
        Decompressor decompressor;
        struct archive *inner;
        uint64_t in_bytes, out_bytes;
        size_t peeked;        /* bytes in in_buffer that are still to be read */
        bool layer;
        bool padded;          /* a layer's zeros have been made up */
        bool at_end;
        bool source_failed;   /* not the tar archive is wrong but what it is packed in */
        bool bomb;
        uint8_t *in_buffer;
        EntryAttributes attributes;
        StreamOut *out;
        char error[STREAM_TEXT_MAX];
} Reader;

static int fail(Reader *r, const char *format, ...) _printf_(2, 3);
static int fail(Reader *r, const char *format, ...) {
        va_list ap;

        if (r->error[0])
                return -EBADMSG;
        va_start(ap, format);
        (void) vsnprintf(r->error, sizeof r->error, format, ap);
        va_end(ap);
        return -EBADMSG;
}

static int fail_archive(Reader *r, struct archive *a) {
        const char *text = archive_error_string(a);

        if (r->in_bytes == 0)
                return fail(r, "is empty");
        if (r->bomb)
                return fail(r, "is a decompression bomb: it unpacks to more than %u times its size", BOMB_RATIO);
        if (archive_errno(a) == ENOMEM || (text && strstr(text, "too much memory")))
                return fail(r, "needs more memory to be unpacked than what xz -9 and zstd --long=27 make, which is the most that there is");
        return fail(r, "is damaged or cut short (%.200s)", text ?: "unknown reason");
}

static ssize_t read_input(void *userdata, const void **ret) {
        Reader *r = userdata;
        ssize_t n;

        *ret = r->in_buffer;
        if (r->peeked > 0)
                return (ssize_t) TAKE_GENERIC(r->peeked, 0);

        do
                n = read(r->in_fd, r->in_buffer, IN_BUFFER_SIZE);
        while (n < 0 && errno == EINTR);
        if (n > 0)
                r->in_bytes += (uint64_t) n;
        return n;
}

static la_ssize_t read_raw(struct archive *a, void *userdata, const void **ret) {
        ssize_t n = read_input(userdata, ret);

        if (n < 0)
                archive_set_error(a, errno, "reading failed");
        return n;
}

static la_ssize_t decompress(Reader *r, struct archive *a, const void **ret) {
        la_int64_t offset;
        ssize_t n;
        size_t size = 0;
        int k;

        if (!r->outer) {
                n = decompressor_read(&r->decompressor, read_input, r, ret);
                if (n < 0)
                        archive_set_error(a, n == -ENOMEM ? ENOMEM : EBADMSG, "%s", r->decompressor.step.error);
                return n;
        }
        do {
                k = archive_read_data_block(r->outer, ret, &size, &offset);
                if (k == ARCHIVE_EOF)
                        return 0;
                if (k != ARCHIVE_OK) {
                        archive_set_error(a, archive_errno(r->outer), "%s", archive_error_string(r->outer) ?: "decompression failed");
                        return -1;
                }
        } while (size == 0);
        return (la_ssize_t) size;
}

static bool is_compressed(const uint8_t *data, size_t size) {
        static const struct {
                uint8_t magic[6];
                size_t size;
        } magics[] = {
                { { 0x1f, 0x8b, 8 }, 3 }, { { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6 }, { { 0x28, 0xb5, 0x2f, 0xfd }, 4 }, { { 'B', 'Z', 'h' }, 3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(magics); i++)
                if (size >= magics[i].size && memcmp(data, magics[i].magic, magics[i].size) == 0)
                        return true;
        return false;
}

static la_ssize_t read_decompressed(struct archive *a, void *userdata, const void **ret) {
        Reader *r = userdata;
        la_ssize_t n = decompress(r, a, ret);

        if (n < 0) {
                r->source_failed = true;
                return -1;
        }
        if (n == 0 && r->layer && !r->padded) {
                static const uint8_t zeros[512 + 1024];

                r->padded = true;
                *ret = zeros;
                return (la_ssize_t) ((512 - r->out_bytes % 512) % 512 + 1024);
        }
        if (n == 0) {
                r->at_end = true;
                return 0;
        }
        if (r->out_bytes == 0 && is_compressed(*ret, (size_t) n)) {
                r->source_failed = true;
                (void) fail(r, "is compressed more than once");
                return -1;
        }
        r->out_bytes += (uint64_t) n;
        if (r->out_bytes > BOMB_FREE_BYTES && r->out_bytes / BOMB_RATIO > r->in_bytes) {
                r->bomb = r->source_failed = true;
                archive_set_error(a, EFBIG, "too large");
                return -1;
        }
        return n;
}

static int open_outer(Reader *r) {
        static int (*const filters[])(struct archive *) = {
                archive_read_support_filter_none, archive_read_support_filter_bzip2,
        };
        struct archive_entry *e;

        r->outer = archive_read_new();
        if (!r->outer)
                return fail(r, "could not be read: out of memory");
        /* ARCHIVE_WARN would mean that libarchive was built without that library and wants to run a program for it. */
        for (size_t i = 0; i < ELEMENTSOF(filters); i++)
                if (filters[i](r->outer) != ARCHIVE_OK)
                        return fail_archive(r, r->outer);
        if (archive_read_support_format_raw(r->outer) != ARCHIVE_OK || archive_read_open(r->outer, r, NULL, read_raw, NULL) != ARCHIVE_OK ||
            archive_read_next_header(r->outer, &e) != ARCHIVE_OK)
                return fail_archive(r, r->outer);
        if (archive_filter_count(r->outer) > 2)
                return fail(r, "is compressed more than once");
        return 0;
}

static int open_archive(Reader *r) {
        const DecompressorFormat *format;
        int k;

        r->in_buffer = malloc(IN_BUFFER_SIZE);
        r->attributes.data = malloc(STREAM_ATTRIBUTES_SIZE_MAX);
        r->inner = archive_read_new();
        if (!r->in_buffer || !r->attributes.data || !r->inner)
                return fail(r, "could not be read: out of memory");

        while (r->peeked < PEEK_SIZE) {
                ssize_t n = read(r->in_fd, r->in_buffer + r->peeked, IN_BUFFER_SIZE - r->peeked);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                r->peeked += (size_t) n;
        }
        r->in_bytes = r->peeked;

        format = decompressor_recognize(r->in_buffer, r->peeked);
        if (!format)
                k = open_outer(r);
        else
                k = decompressor_init(&r->decompressor, format) < 0 ? fail(r, "could not be read: out of memory") : 0;
        if (k < 0)
                return k;

        if (archive_read_support_filter_none(r->inner) != ARCHIVE_OK || archive_read_support_format_tar(r->inner) != ARCHIVE_OK)
                return fail_archive(r, r->inner);
        /* This is where it finds out whether it is tar. */
        if (archive_read_open(r->inner, r, NULL, read_decompressed, NULL) != ARCHIVE_OK)
                return r->source_failed ? fail_archive(r, r->inner)
                                        : fail(r, "is no tar archive, plain or compressed with gzip, xz, zstd or bzip2");
        return 0;
}

static int entry_type(struct archive_entry *e) {
        if (archive_entry_hardlink(e))
                return ENTRY_HARDLINK;
        switch (archive_entry_filetype(e)) {
        case AE_IFREG:
                return ENTRY_FILE;
        case AE_IFDIR:
                return ENTRY_DIRECTORY;
        case AE_IFLNK:
                return ENTRY_SYMLINK;
        case AE_IFIFO:
                return ENTRY_FIFO;
        case AE_IFCHR:
        case AE_IFBLK:
                return ENTRY_DEVICE;
        case AE_IFSOCK:
                return ENTRY_SOCKET;
        default:
                return -EBADMSG;
        }
}

static int send_data(Reader *r, struct archive *a, uint64_t size) {
        uint64_t position = 0;
        const void *data;
        la_int64_t offset;
        size_t n;
        int k;

        while ((k = archive_read_data_block(a, &data, &n, &offset)) == ARCHIVE_OK) {
                int q;

                if (n == 0)
                        continue;
                if (offset < 0 || (uint64_t) offset < position || (uint64_t) offset > size || n > size - (uint64_t) offset)
                        return fail(r, "is damaged (content outside of its file)");
                position = (uint64_t) offset + n;
                q = stream_put_data(r->out, (uint64_t) offset, data, n);
                if (q < 0)
                        return q;
        }
        return k == ARCHIVE_EOF ? 0 : fail_archive(r, a);
}

static int send_entry(Reader *r, struct archive_entry *e) {
        const char *path = archive_entry_pathname(e), *link = "", *why;
        int type = entry_type(e), k;
        size_t path_size, link_size;
        StreamEntry s;

        if (!path || !*path)
                return fail(r, "holds an entry whose name cannot be read");
        path_size = strlen(path);
        if (path_size > STREAM_PATH_MAX)
                return fail(r, "holds an entry whose name is longer than %u bytes ('%.100s…')", STREAM_PATH_MAX, path);
        if (type < 0)
                return fail(r, "holds an entry of an unknown type ('%.300s')", path);

        if (type == ENTRY_HARDLINK)
                link = archive_entry_hardlink(e);
        else if (type == ENTRY_SYMLINK)
                link = archive_entry_symlink(e);
        link_size = link ? strlen(link) : 0;
        if ((type == ENTRY_HARDLINK || type == ENTRY_SYMLINK) && (link_size == 0 || link_size > STREAM_PATH_MAX))
                return fail(r, "holds a link with a bad target ('%.300s')", path);

        if (archive_entry_size(e) < 0 || (type == ENTRY_FILE && (uint64_t) archive_entry_size(e) > STREAM_FILE_SIZE_MAX))
                return fail(r, "holds a file whose size is wrong ('%.300s')", path);

        k = entry_attributes_collect(&r->attributes, e, &why);
        if (k < 0)
                return fail(r, "%s ('%.300s')", why, path);

        s = (StreamEntry) {
                .type = (uint32_t) type,
                .mode = archive_entry_perm(e) & 07777U,
                .uid = (uint64_t) archive_entry_uid(e),
                .gid = (uint64_t) archive_entry_gid(e),
                .size = type == ENTRY_FILE ? (uint64_t) archive_entry_size(e) : 0,
                .mtime_sec = archive_entry_mtime(e),
                .mtime_nsec = (uint32_t) MIN_OF(MAX_OF(archive_entry_mtime_nsec(e), 0L), 999999999L),
                .path_size = (uint32_t) path_size,
                .link_size = (uint32_t) link_size,
                .n_attributes = r->attributes.n,
                .attributes_size = r->attributes.size,
        };
        k = stream_put_entry(r->out, &s, path, link ?: "", r->attributes.data);
        if (k < 0 || type != ENTRY_FILE)
                return k;
        return send_data(r, r->inner, s.size);
}

/* Reads what is behind the archive's last entry, so that a cut or a flipped bit there is seen as well. */
static int drain(Reader *r) {
        const void *data;
        la_ssize_t n;

        while (!r->at_end) {
                n = read_decompressed(r->inner, r, &data);
                if (n < 0)
                        return fail_archive(r, r->inner);
        }
        r->peeked = 0;
        do
                n = read_input(r, &data);
        while (n > 0);
        return n < 0 ? fail(r, "could not be read to its end") : 0;
}

static int read_entries(Reader *r) {
        la_int64_t data_end = 0, end;
        bool any = false;
        int k, q;

        for (;;) {
                struct archive_entry *e;

                k = archive_read_next_header(r->inner, &e);
                if (k == ARCHIVE_EOF)
                        break;
                if (k != ARCHIVE_OK && k != ARCHIVE_WARN)
                        return fail_archive(r, r->inner);
                any = true;

                q = send_entry(r, e);
                if (q < 0)
                        return q;
                if (archive_read_data_skip(r->inner) < ARCHIVE_WARN)
                        return fail_archive(r, r->inner);
                data_end = archive_filter_bytes(r->inner, 0);
        }

        /* libarchive takes the end of the file between two entries for the archive's end. A whole archive has at least one block of
         * zeros there, which it then has gone past. */
        end = archive_filter_bytes(r->inner, 0);
        if (end < ((data_end + 511) & ~(la_int64_t) 511) + 512)
                return fail(r, "is cut short: it ends without an end mark");
        return any || r->layer ? drain(r) : fail(r, "holds no files");
}

static void reader_done(Reader *r) {
        archive_read_free(r->inner);
        archive_read_free(r->outer);
        decompressor_done(&r->decompressor);
        free(r->in_buffer);
        free(r->attributes.data);
}

int reader_run(int in_fd, int out_fd, bool layer) {
        static StreamOut out;
        Reader r = { .in_fd = in_fd, .layer = layer, .out = &out };
        int k;

        out = (StreamOut) { .fd = out_fd };

        k = open_archive(&r);
        if (k >= 0)
                k = read_entries(&r);
        if (r.error[0])
                k = stream_put_error(&out, r.error);
        else if (k >= 0)
                k = stream_put_end(&out);
        reader_done(&r);
        return k;
}
