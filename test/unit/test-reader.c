/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The archive reader on whole, cut and flipped archives of every compression: it always ends by itself, with an end or an error. */

#include "worker/reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "basic/fd.h"
#include "unit.h"
#include "worker/stream.h"

static int (*const compressions[])(struct archive *) = {
        archive_write_add_filter_none, archive_write_add_filter_gzip, archive_write_add_filter_xz, archive_write_add_filter_zstd, archive_write_add_filter_bzip2,
};

static void add_file(struct archive *a, const char *name, size_t size, char content) {
        struct archive_entry *e = archive_entry_new();
        char data[2000];

        memset(data, content, sizeof data);
        archive_entry_set_pathname(e, name);
        archive_entry_set_filetype(e, AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, (la_int64_t) size);
        archive_entry_xattr_add_entry(e, "user.x", "y", 1);
        ck_assert_int_eq(archive_write_header(a, e), ARCHIVE_OK);
        ck_assert_int_eq((int) archive_write_data(a, data, size), (int) size);
        archive_entry_free(e);
}

static size_t make_archive(size_t compression, uint8_t *buffer, size_t size) {
        struct archive *a = archive_write_new();
        size_t used;

        ck_assert_int_eq(archive_write_set_format_pax(a), ARCHIVE_OK);
        ck_assert_int_eq(compressions[compression](a), ARCHIVE_OK);
        ck_assert_int_eq(archive_write_set_bytes_per_block(a, 512), ARCHIVE_OK);
        ck_assert_int_eq(archive_write_set_bytes_in_last_block(a, 1), ARCHIVE_OK);
        ck_assert_int_eq(archive_write_open_memory(a, buffer, size, &used), ARCHIVE_OK);
        add_file(a, "one", 1500, 'a');
        add_file(a, "two", 0, 0);
        add_file(a, "three", 512, 'b');
        ck_assert_int_eq(archive_write_close(a), ARCHIVE_OK);
        archive_write_free(a);
        return used;
}

static int outcome(int out) {
        static StreamIn in;
        int kind;

        ck_assert_int_eq(lseek(out, 0, SEEK_SET), 0);
        ck_assert_int_eq(stream_in_init(&in, out), 0);
        while ((kind = stream_next(&in)) == STREAM_ENTRY || kind == STREAM_DATA)
                ;
        if (kind == STREAM_ERROR)
                ck_assert_uint_gt(strlen(in.text), 0);
        stream_in_done(&in);
        return kind;
}

/* In a process of its own, as it is meant to run: it keeps what it allocates. */
static int read_to(const uint8_t *data, size_t size, bool layer, int out) {
        _cleanup_close_ int in = memfd_create("in", MFD_CLOEXEC);
        int status;
        pid_t pid;

        ck_assert_int_eq(fd_write_all(in, data, size), 0);
        ck_assert_int_eq(lseek(in, 0, SEEK_SET), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0)
                _exit(reader_run(in, out, layer) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the reader ended with status %#x", (unsigned) status);
        return outcome(out);
}

static int read_archive_to(const uint8_t *data, size_t size, int out) {
        return read_to(data, size, false, out);
}

static int read_archive(const uint8_t *data, size_t size) {
        _cleanup_close_ int out = memfd_create("out", MFD_CLOEXEC);

        return read_archive_to(data, size, out);
}

static int read_layer(const uint8_t *data, size_t size) {
        _cleanup_close_ int out = memfd_create("out", MFD_CLOEXEC);

        return read_to(data, size, true, out);
}

static bool same_content(int a, int b) {
        _cleanup_free_ char *x = NULL, *y = NULL;
        size_t n, m;

        ck_assert_int_eq(lseek(a, 0, SEEK_SET), 0);
        ck_assert_int_eq(lseek(b, 0, SEEK_SET), 0);
        ck_assert_int_eq(fd_read_string(a, 1 << 20, &x, &n), 0);
        ck_assert_int_eq(fd_read_string(b, 1 << 20, &y, &m), 0);
        return n == m && memcmp(x, y, n) == 0;
}

START_TEST(R26_whole) {
        uint8_t data[16384];

        for (size_t c = 0; c < ELEMENTSOF(compressions); c++)
                ck_assert_int_eq(read_archive(data, make_archive(c, data, sizeof data)), STREAM_END);
}
END_TEST

START_TEST(S64_every_cut) {
        uint8_t data[16384];

        for (size_t c = 0; c < ELEMENTSOF(compressions); c++) {
                size_t size = make_archive(c, data, sizeof data);
                /* Of an uncompressed archive the last block of zeros may be missing: one is an end mark, the standard wants two. */
                size_t whole = c == 0 ? size - 512 : size;

                for (size_t n = 0; n < whole; n += c == 0 ? 61 : 1)
                        ck_assert_msg(read_archive(data, n) == STREAM_ERROR, "compression %zu, %zu of %zu bytes are taken for whole", c, n, size);
                if (c == 0)
                        for (size_t n = 0; n < whole; n += 512)
                                ck_assert_msg(read_archive(data, n) == STREAM_ERROR, "%zu of %zu bytes are taken for whole", n, size);
        }
}
END_TEST

START_TEST(S64_every_flip) {
        uint8_t data[16384];

        for (size_t c = 0; c < ELEMENTSOF(compressions); c++) {
                _cleanup_close_ int right = memfd_create("out", MFD_CLOEXEC);
                size_t size = make_archive(c, data, sizeof data);

                ck_assert_int_eq(read_archive_to(data, size, right), STREAM_END);
                for (size_t n = 0; n < size; n += c == 0 ? 37 : 1) {
                        _cleanup_close_ int out = memfd_create("out", MFD_CLOEXEC);
                        int kind;

                        data[n] ^= 0x10;
                        kind = read_archive_to(data, size, out);
                        data[n] ^= 0x10;
                        ck_assert(kind == STREAM_END || kind == STREAM_ERROR);
                        /* Compressed data has checksums: what is taken for whole is the same, such as with another time in gzip's header or
                         * when a repetition is copied from elsewhere. Only zstd's is optional, and libarchive leaves it out. */
                        if (c != 0 && compressions[c] != archive_write_add_filter_zstd && kind == STREAM_END)
                                ck_assert_msg(same_content(out, right), "compression %zu: byte %zu of %zu changed and nobody saw it", c, n, size);
                }
        }
}
END_TEST

/* Of layers programs leave out what says nothing; what a file is missing is missed. */
START_TEST(R26_layers) {
        uint8_t data[16384], nothing[10240] = {};
        size_t size = make_archive(0, data, sizeof data);

        while (size > 0 && data[size - 1] == 0)
                size--;
        ck_assert_int_eq(read_archive(data, size), STREAM_ERROR);
        ck_assert_int_eq(read_layer(data, size), STREAM_END);
        ck_assert_int_eq(read_layer(data, 512 + 1), STREAM_ERROR);
        ck_assert_int_eq(read_archive(nothing, sizeof nothing), STREAM_ERROR);
        ck_assert_int_eq(read_layer(nothing, sizeof nothing), STREAM_END);
        ck_assert_int_eq(read_layer(nothing, 1024), STREAM_END);
}
END_TEST

START_TEST(gzip_members) {
        uint8_t data[16384];
        size_t size = make_archive(1, data, sizeof data / 2);

        /* Padding behind it is ignored, as gzip(1) does; so is a second member, which is behind the archive's end. */
        memset(data + size, 0, 100);
        ck_assert_int_eq(read_archive(data, size + 100), STREAM_END);
        memcpy(data + size, data, size);
        ck_assert_int_eq(read_archive(data, size * 2), STREAM_END);
        data[size * 2 - 6] ^= 1;
        ck_assert_int_eq(read_archive(data, size * 2), STREAM_ERROR);
}
END_TEST

UNIT_TESTS("reader", R26_whole, S64_every_cut, S64_every_flip, R26_layers, gzip_members)
