/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases of user id ranges: two never overlap, they are given back, and only unused ones are collected. */

#include "shared/uid-lease.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "shared/names.h"
#include "unit.h"

static int open_state(char **ret) {
        int fd;

        *ret = unit_make_directory();
        fd = open(*ret, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(mkdirat(fd, DIR_CONTAINERS, 0700), 0);
        return fd;
}

static void close_state(char *path, int fd) {
        (void) fd_close(fd);
        ck_assert_int_eq(path_remove_tree(AT_FDCWD, path), 0);
        free(path);
}

static unsigned count_leases(int state) {
        int fd = openat(state, DIR_UID_LEASES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fdopendir(fd);
        unsigned n = 0;

        ck_assert_ptr_nonnull(d);
        for (struct dirent *de; (de = readdir(d));)
                n += de->d_name[0] != '.';
        (void) closedir(d);
        return n;
}

START_TEST(ranges) {
        uint32_t bases[50], again;
        char *path;
        int state = open_state(&path);

        for (size_t i = 0; i < ELEMENTSOF(bases); i++) {
                char name[16];

                snprintf(name, sizeof name, "c%zu", i);
                ck_assert_int_eq(uid_lease_acquire(state, name, &bases[i]), 0);
                ck_assert_uint_eq(bases[i] % UID_RANGE_SIZE, 0);
                ck_assert_uint_ge(bases[i], CONTAINER_UID_MIN);
                ck_assert_uint_le(bases[i], CONTAINER_UID_MAX - UID_RANGE_SIZE + 1);
                for (size_t k = 0; k < i; k++)
                        ck_assert_uint_ne(bases[i], bases[k]);
        }
        ck_assert_uint_eq(count_leases(state), ELEMENTSOF(bases));

        /* The same name: another range while it has one, the same one when it was given back. */
        ck_assert_int_eq(uid_lease_acquire(state, "c0", &again), 0);
        ck_assert_uint_ne(again, bases[0]);
        ck_assert_int_eq(uid_lease_release(state, "c0", again), 0);
        ck_assert_uint_eq(count_leases(state), ELEMENTSOF(bases));
        ck_assert_int_eq(uid_lease_release(state, "c0", bases[1]), 0);
        ck_assert_uint_eq(count_leases(state), ELEMENTSOF(bases));
        ck_assert_int_eq(uid_lease_release(state, "c0", 0), 0);
        ck_assert_int_eq(uid_lease_acquire(state, "c0", &again), 0);
        ck_assert_uint_eq(again, bases[0]);
        close_state(path, state);
}
END_TEST

static int64_t own_base(int state, const char *name) {
        return streq(name, "moved") ? 65536 : streq(name, "unreadable") ? -EBADMSG : 0;
}

START_TEST(collecting) {
        static const char *const names[] = { "here", "gone", "moved", "unreadable" };
        uint32_t base;
        char *path;
        int state = open_state(&path), hold;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char directory[64];

                ck_assert_int_eq(uid_lease_acquire(state, names[i], &base), 0);
                snprintf(directory, sizeof directory, DIR_CONTAINERS "/%s", names[i]);
                if (!streq(names[i], "gone"))
                        ck_assert_int_eq(mkdirat(state, directory, 0700), 0);
        }

        hold = uid_lease_hold(state);
        ck_assert_int_ge(hold, 0);
        ck_assert_int_eq(uid_lease_collect(state, own_base), 0);
        ck_assert_uint_eq(count_leases(state), 4);
        (void) fd_close(hold);
        ck_assert_int_eq(uid_lease_collect(state, own_base), 0);
        ck_assert_uint_eq(count_leases(state), 2);
        close_state(path, state);
}
END_TEST

static void write_range(int state, const char *text) {
        _cleanup_close_ int container = openat(state, DIR_CONTAINERS "/c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_eq(path_write_atomic(container, UID_RANGE_FILE, text, strlen(text), 0600), 0);
}

/* Ranges beyond the first: as long as was asked for, over nobody else's, and collected by what the container says of them. */
START_TEST(further) {
        static const char *const bad[] = { "", "\n", "65536 65536\n", "524289 65536\n", "524288 1\n", "524288 65536", "524288\n", "524288 4294967295\n", "-1 65536\n" };
        const uint32_t size = 3 * UID_RANGE_SIZE - 1, wanted = 1000 * UID_RANGE_SIZE;
        _cleanup_close_ int container = -EBADF;
        uint32_t a, b, first, count;
        char *path, text[64];
        int state = open_state(&path);

        ck_assert_int_eq(mkdirat(state, DIR_CONTAINERS "/c", 0700), 0);
        ck_assert_int_eq(uid_lease_acquire_further(state, "c", 0, size, &a), 0);
        ck_assert_uint_eq(a % UID_RANGE_SIZE, 0);
        ck_assert_uint_ge(a, CONTAINER_UID_MIN);
        ck_assert_uint_eq(count_leases(state), 3);
        ck_assert(uid_lease_has_further(state, "c", a, size));
        ck_assert(!uid_lease_has_further(state, "cc", a, size) && !uid_lease_has_further(state, "c", a, size + 2));

        /* Of another only the whole, or nothing: not even what is free before it. */
        ck_assert_int_eq(uid_lease_acquire_further(state, "d", a + 2 * UID_RANGE_SIZE, size, &b), -EADDRINUSE);
        ck_assert_int_eq(uid_lease_acquire_further(state, "d", a - UID_RANGE_SIZE, size, &b), a > CONTAINER_UID_MIN ? -EADDRINUSE : -ERANGE);
        ck_assert_uint_eq(count_leases(state), 3);
        ck_assert_int_eq(uid_lease_acquire_further(state, "d", 1, size, &b), -ERANGE);
        ck_assert_int_eq(uid_lease_acquire_further(state, "d", CONTAINER_UID_MAX - UID_RANGE_SIZE + 1, size, &b), -ERANGE);
        if (a + size < wanted || a > wanted + size) {
                ck_assert_int_eq(uid_lease_acquire_further(state, "d", wanted, size, &b), 0);
                ck_assert_uint_eq(b, wanted);
                /* d is not there. */
                ck_assert_uint_eq(count_leases(state), 6);
        }

        snprintf(text, sizeof text, "%u %u\n", a, size);
        write_range(state, text);
        container = openat(state, DIR_CONTAINERS "/c", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(uid_range_read(container, &first, &count), 0);
        ck_assert_uint_eq(first, a);
        ck_assert_uint_eq(count, size);
        ck_assert_int_eq(uid_lease_collect(state, own_base), 0);
        ck_assert_uint_eq(count_leases(state), 3);
        snprintf(text, sizeof text, "%u %u\n", a, UID_RANGE_SIZE);
        write_range(state, text);
        ck_assert_int_eq(uid_lease_collect(state, own_base), 0);
        ck_assert_uint_eq(count_leases(state), 1);
        ck_assert_int_eq(uid_lease_release_further(state, "other", a, size), 0);
        ck_assert_uint_eq(count_leases(state), 1);
        ck_assert_int_eq(uid_lease_release_further(state, "c", a, size), 0);
        ck_assert_uint_eq(count_leases(state), 0);

        for (size_t i = 0; i < ELEMENTSOF(bad); i++) {
                write_range(state, bad[i]);
                ck_assert_int_eq(uid_range_read(container, &first, &count), -EBADMSG);
                ck_assert_uint_eq(count, 0);
        }
        close_state(path, state);
}
END_TEST

UNIT_TESTS("uid-lease", ranges, collecting, further)
