/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Leases of user id ranges: two never overlap, they are given back, and only unused ones are collected. */

#include "shared/uid-lease.h"

#include <dirent.h>
#include <fcntl.h>
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

UNIT_TESTS("uid-lease", ranges, collecting)
