/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a decompressor keeps: so much in memory, so much in a file, and no more than both. */

#include "worker/window.h"

#include <fcntl.h>

#include "basic/fd.h"
#include "unit.h"

#define MIB ((size_t) 1024 * 1024)

/* For the rest of the test, which is a process of its own. */
static int map_file(void) {
        _cleanup_close_ int directory = open(getenv("TMPDIR") ?: "/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int fd;

        ck_assert_int_ge(directory, 0);
        ck_assert_int_eq(window_make_file(directory, &fd), 0);
        ck_assert_int_eq(window_map(fd), 0);
        ck_assert(!window_file_used(fd));
        return fd;
}

static uint8_t *allocate(size_t mib, uint8_t content) {
        uint8_t *p = window_allocate(mib * MIB);

        ck_assert_ptr_nonnull(p);
        memset(p, content, mib * MIB);
        return p;
}

static bool is_filled(const uint8_t *p, size_t mib, uint8_t content) {
        return *p == content && memcmp(p, p + 1, mib * MIB - 1) == 0;
}

START_TEST(without_file) {
        uint8_t *a = allocate(60, 1), *b = allocate(60, 2);

        ck_assert_uint_eq(window_spare(), WINDOW_MEMORY_MAX);
        ck_assert(is_filled(a, 60, 1) && is_filled(b, 60, 2));
        window_free(a);
        window_free(b);
        window_free(NULL);
}
END_TEST

START_TEST(memory_first) {
        _cleanup_close_ int fd = map_file();
        uint8_t *window = allocate(33, 1), *small = window_allocate(1000), *rest = allocate(WINDOW_MEMORY_MAX / MIB - 33, 2), *more;

        ck_assert(!window_file_used(fd));
        more = allocate(1, 3);
        ck_assert(window_file_used(fd));
        ck_assert(is_filled(window, 33, 1) && is_filled(rest, WINDOW_MEMORY_MAX / MIB - 33, 2) && is_filled(more, 1, 3));
        window_free(small);
        window_free(window);
        window_free(rest);
        window_free(more);
}
END_TEST

/* Of all that is there nothing lies over another, and what was given back is there again. */
START_TEST(file_is_shared_out) {
        _cleanup_close_ int fd = map_file();
        uint8_t *memory = allocate(WINDOW_MEMORY_MAX / MIB, 1), *blocks[5];

        for (uint8_t i = 0; i < 5; i++)
                blocks[i] = allocate(26, i);
        ck_assert_ptr_null(window_allocate(26 * MIB));
        for (uint8_t i = 0; i < 5; i++)
                ck_assert(is_filled(blocks[i], 26, i));

        window_free(blocks[1]);
        ck_assert_ptr_null(window_allocate(27 * MIB));
        blocks[1] = allocate(20, 7);
        ck_assert(is_filled(blocks[0], 26, 0) && is_filled(blocks[1], 20, 7) && is_filled(blocks[2], 26, 2));

        window_free(memory);
        memory = allocate(27, 8);
        ck_assert(is_filled(memory, 27, 8) && is_filled(blocks[4], 26, 4));
        window_free(memory);
        for (size_t i = 0; i < 5; i++)
                window_free(blocks[i]);
        window_free(allocate(WINDOW_FILE_BYTES / MIB, 9));
        ck_assert(window_file_used(fd));
}
END_TEST

START_TEST(too_large) {
        _cleanup_close_ int fd = map_file();
        void *p[100];
        size_t n = 0;

        ck_assert_ptr_null(window_allocate((size_t) WINDOW_FILE_BYTES + 1));
        ck_assert_ptr_null(window_allocate(SIZE_MAX));
        while (n < ELEMENTSOF(p) && (p[n] = window_allocate(MIB)))
                n++;
        ck_assert_uint_lt(n, ELEMENTSOF(p));
        ck_assert_uint_ge(n, 16);
        while (n > 0)
                window_free(p[--n]);
        window_free(allocate(1, 1));
        /* What nobody has written to takes no room. */
        ck_assert(!window_file_used(fd));
}
END_TEST

UNIT_TESTS("window", without_file, memory_first, file_is_shared_out, too_large)
