/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The archive reader's records: what is put in comes out, and whatever a reader that was taken over sends, the receiver keeps to its rules. */

#include "worker/stream.h"

#include <sys/mman.h>

#include "basic/fd.h"
#include "unit.h"

static int stream_fd(const void *data, size_t size) {
        int fd = memfd_create("stream", MFD_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(fd_write_all(fd, data, size), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        return fd;
}

static void put_attribute(uint8_t *buffer, StreamEntry *e, const char *name, const char *value) {
        StreamAttribute a = { .name_size = (uint32_t) strlen(name), .value_size = (uint32_t) strlen(value) };
        uint8_t *p = buffer + e->attributes_size;

        p = mempcpy(p, &a, sizeof a);
        p = mempcpy(p, name, a.name_size);
        memcpy(p, value, a.value_size);
        e->attributes_size += (uint32_t) sizeof a + a.name_size + a.value_size;
        e->n_attributes++;
}

/* A stream with one of everything */
static int make_stream(void) {
        static StreamOut out;
        StreamEntry file = { .type = ENTRY_FILE, .mode = 04755, .uid = 1, .gid = 65535, .size = 200000, .mtime_sec = -5, .mtime_nsec = 7, .path_size = 5 },
                    link = { .type = ENTRY_SYMLINK, .path_size = 1, .link_size = 4 };
        uint8_t attributes[256], data[100000];
        int fd = memfd_create("stream", MFD_CLOEXEC);

        out = (StreamOut) { .fd = fd };
        memset(data, 'd', sizeof data);
        put_attribute(attributes, &file, "user.a", "value");
        put_attribute(attributes, &file, "user.b", "");
        ck_assert_int_eq(stream_put_entry(&out, &file, "a/b/c", "", attributes), 0);
        ck_assert_int_eq(stream_put_data(&out, 10, data, 5), 0);
        ck_assert_int_eq(stream_put_data(&out, 1000, data, sizeof data), 0);
        ck_assert_int_eq(stream_put_entry(&out, &link, "l", "/etc", ""), 0);
        ck_assert_int_eq(stream_put_end(&out), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        return fd;
}

START_TEST(round_trip) {
        _cleanup_close_ int fd = make_stream();
        char name[STREAM_ATTRIBUTE_NAME_MAX + 1];
        const void *value;
        size_t size, position = 0;
        uint64_t total = 0;
        static StreamIn in;
        ssize_t n;

        ck_assert_int_eq(stream_in_init(&in, fd), 0);
        ck_assert_int_eq(stream_next(&in), STREAM_ENTRY);
        ck_assert_str_eq(in.path, "a/b/c");
        ck_assert_uint_eq(in.entry.mode, 04755);
        ck_assert_int_eq(in.entry.mtime_sec, -5);
        ck_assert_int_eq(stream_peek(&in), STREAM_DATA);
        ck_assert_int_eq(stream_next_attribute(&in, &position, name, &value, &size), 1);
        ck_assert_str_eq(name, "user.a");
        ck_assert(size == 5 && memcmp(value, "value", 5) == 0);
        ck_assert_int_eq(stream_next_attribute(&in, &position, name, &value, &size), 1);
        ck_assert_uint_eq(size, 0);
        ck_assert_int_eq(stream_next_attribute(&in, &position, name, &value, &size), 0);

        ck_assert_int_eq(stream_next(&in), STREAM_DATA);
        ck_assert_uint_eq(in.data.offset, 10);
        ck_assert_int_eq(stream_next(&in), STREAM_DATA); /* content that nobody took is skipped */
        ck_assert_uint_eq(in.data.offset, 1000);
        while ((n = stream_take_data(&in, &value)) > 0)
                total += (uint64_t) n;
        ck_assert_uint_eq(total, 100000);
        ck_assert_int_eq(stream_peek(&in), STREAM_ENTRY);
        ck_assert_str_eq(in.path, "a/b/c");
        ck_assert_int_eq(stream_next(&in), STREAM_ENTRY);
        ck_assert_str_eq(in.link, "/etc");
        ck_assert_int_eq(stream_next(&in), STREAM_END);
        stream_in_done(&in);
}
END_TEST

/* Reads all there is and checks what a user of the stream relies on. */
static int walk(int fd) {
        static StreamIn in;
        int kind, r = stream_in_init(&in, fd);

        ck_assert_int_eq(r, 0);
        while ((kind = stream_next(&in)) == STREAM_ENTRY || kind == STREAM_DATA) {
                const void *data;
                ssize_t n;

                if (kind == STREAM_ENTRY) {
                        ck_assert_uint_eq(strlen(in.path), in.entry.path_size);
                        ck_assert_uint_eq(strlen(in.link), in.entry.link_size);
                        ck_assert(in.entry.type > 0 && in.entry.type < _ENTRY_TYPE_MAX);
                        ck_assert_uint_eq(in.entry.mode & ~07777U, 0);
                        ck_assert_uint_lt(in.entry.mtime_nsec, 1000000000U);
                } else {
                        ck_assert_uint_le(in.data.offset + in.data.size, in.entry.size);
                        while ((n = stream_take_data(&in, &data)) > 0)
                                ;
                        if (n < 0) {
                                kind = (int) n;
                                break;
                        }
                }
        }
        stream_in_done(&in);
        return kind;
}

START_TEST(S64_every_cut) {
        _cleanup_close_ int fd = make_stream();
        off_t size = lseek(fd, 0, SEEK_END);

        /* Inside of the large record one place is like another. */
        for (off_t n = 0; n < size; n += n > 400 && n < size - 200 ? 997 : 1) {
                ck_assert_int_eq(ftruncate(fd, n), 0);
                ck_assert_int_eq(ftruncate(fd, size), 0);
                ck_assert_int_eq(ftruncate(fd, n), 0);
                ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
                ck_assert_msg(walk(fd) < 0, "cut at %ld", (long) n);
                (void) close(fd);
                fd = make_stream();
        }
}
END_TEST

START_TEST(S64_every_byte) {
        static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
        _cleanup_close_ int fd = make_stream();
        off_t size = lseek(fd, 0, SEEK_END);

        for (off_t at = 0; at < size; at += at > 400 && at < size - 200 ? 4999 : 1)
                for (size_t v = 0; v < ELEMENTSOF(values); v++) {
                        uint8_t old;

                        ck_assert_int_eq(pread(fd, &old, 1, at), 1);
                        ck_assert_int_eq(pwrite(fd, &values[v], 1, at), 1);
                        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
                        (void) walk(fd);
                        ck_assert_int_eq(pwrite(fd, &old, 1, at), 1);
                }
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        ck_assert_int_eq(walk(fd), STREAM_END);
}
END_TEST

static int walk_entry(StreamEntry e, const char *path, const char *link, const void *attributes) {
        _cleanup_close_ int fd = memfd_create("stream", MFD_CLOEXEC);
        static StreamOut out;

        out = (StreamOut) { .fd = fd };
        ck_assert_int_eq(stream_put_entry(&out, &e, path, link, attributes), 0);
        ck_assert_int_eq(stream_put_end(&out), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        return walk(fd);
}

START_TEST(S64_lies) {
        const StreamEntry good = { .type = ENTRY_FILE, .path_size = 1 };
        StreamEntry e;

        ck_assert_int_eq(walk_entry(good, "a", "", ""), STREAM_END);
#define REFUSED(field, value, path, link)                                               \
        e = good;                                                                       \
        e.field = value;                                                                \
        ck_assert_msg(walk_entry(e, path, link, "") == -EBADMSG, #field " = " #value)
        REFUSED(type, 0, "a", "");
        REFUSED(type, _ENTRY_TYPE_MAX, "a", "");
        REFUSED(mode, 010000, "a", "");
        REFUSED(mtime_nsec, 1000000000U, "a", "");
        REFUSED(size, STREAM_FILE_SIZE_MAX + 1, "a", "");
        REFUSED(path_size, 0, "", "");
        REFUSED(link_size, 1, "a", "b");   /* a file has none */
        REFUSED(type, ENTRY_SYMLINK, "a", ""); /* a link has one */
        REFUSED(n_attributes, 1, "a", "");
        REFUSED(n_attributes, STREAM_ATTRIBUTES_MAX + 1, "a", "");
        e = (StreamEntry) { .type = ENTRY_DIRECTORY, .size = 1, .path_size = 1 };
        ck_assert_int_eq(walk_entry(e, "a", "", ""), -EBADMSG);
        e = (StreamEntry) { .type = ENTRY_FILE, .path_size = 3 };
        ck_assert_int_eq(walk_entry(e, "a\0b", "", ""), -EBADMSG);
        e.path_size = 1;
        e.attributes_size = STREAM_ATTRIBUTES_SIZE_MAX + 1;
        {
                _cleanup_free_ void *much = calloc(1, e.attributes_size);

                ck_assert_int_eq(walk_entry(e, "a", "", much), -EBADMSG);
        }
}
END_TEST

START_TEST(S64_data_lies) {
        static const struct {
                uint64_t offset, size;
                int expected;
        } cases[] = {
                { 0, 10, STREAM_END }, { 90, 10, STREAM_END }, { 91, 10, -EBADMSG }, { UINT64_MAX - 5, 10, -EBADMSG }, { 101, 1, -EBADMSG },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_close_ int fd = memfd_create("stream", MFD_CLOEXEC);
                const StreamEntry e = { .type = ENTRY_FILE, .size = 100, .path_size = 1 };
                static StreamOut out;

                out = (StreamOut) { .fd = fd };
                ck_assert_int_eq(stream_put_entry(&out, &e, "a", "", ""), 0);
                ck_assert_int_eq(stream_put_data(&out, cases[i].offset, "0123456789", cases[i].size), 0);
                ck_assert_int_eq(stream_put_end(&out), 0);
                ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
                ck_assert_int_eq(walk(fd), cases[i].expected);
        }
}
END_TEST

START_TEST(errors_pass) {
        static StreamOut out;
        static StreamIn in;
        _cleanup_close_ int fd = memfd_create("stream", MFD_CLOEXEC), empty = stream_fd("", 0), garbage = stream_fd("garbage garbage", 15);

        out = (StreamOut) { .fd = fd };
        ck_assert_int_eq(stream_put_error(&out, "is damaged"), 0);
        ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
        ck_assert_int_eq(stream_in_init(&in, fd), 0);
        ck_assert_int_eq(stream_next(&in), STREAM_ERROR);
        ck_assert_str_eq(in.text, "is damaged");
        stream_in_done(&in);
        ck_assert_int_eq(walk(empty), -ENODATA);
        ck_assert_int_eq(walk(garbage), -EBADMSG);
}
END_TEST

UNIT_TESTS("stream", round_trip, S64_every_cut, S64_every_byte, S64_lies, S64_data_lies, errors_pass)
