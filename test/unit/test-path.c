/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/path.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "unit.h"

static int open_directory(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        ck_assert_int_ge(fd, 0);
        return fd;
}

static void write_file(int dir, const char *name, const char *text) {
        ck_assert_int_eq(path_write_atomic(dir, name, text, strlen(text), 0600), 0);
}

static bool exists(int dir, const char *name) {
        return faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

static void remove_test_directory(char *path) {
        _cleanup_close_ int top = open_directory("/");

        ck_assert_int_eq(path_remove_tree(top, path + 1), 0);
        free(path);
}

START_TEST(open_in_root) {
        static const char *const ways[] = { "../secret", "/../secret", "up/secret", "absolute", "/absolute", "deep", "a/../../secret" };
        char *path = unit_make_directory();
        _cleanup_close_ int top = open_directory(path), root = -EBADF;

        root = path_make_directory(top, "root", 0755);
        ck_assert_int_ge(root, 0);
        write_file(top, "secret", "s");
        ck_assert_int_eq(symlinkat("..", root, "up"), 0);
        ck_assert_int_eq(symlinkat("/secret", root, "absolute"), 0);
        ck_assert_int_eq(symlinkat("../../../../../../secret", root, "deep"), 0);
        ck_assert_int_eq(mkdirat(root, "a", 0755), 0);

        for (size_t i = 0; i < ELEMENTSOF(ways); i++)
                ck_assert_int_eq(path_open_in_root(root, ways[i], O_RDONLY, 0), -ENOENT);

        /* The same ways lead to the root's own file when there is one. */
        write_file(root, "secret", "inside");
        for (size_t i = 0; i < ELEMENTSOF(ways); i++) {
                _cleanup_close_ int fd = path_open_in_root(root, ways[i], O_RDONLY, 0);
                _cleanup_free_ char *text = NULL;

                ck_assert_int_ge(fd, 0);
                ck_assert_int_eq(fd_read_string(fd, 100, &text, NULL), 0);
                ck_assert_str_eq(text, "inside");
                ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        }

        ck_assert_int_eq(symlinkat("/proc/self/root", root, "magic"), 0);
        ck_assert_int_lt(path_open_in_root(root, "magic/etc/passwd", O_RDONLY, 0), 0);

        ck_assert_int_eq(path_open_beneath(root, "up", O_RDONLY, 0), -ELOOP);
        ck_assert_int_eq(path_open_beneath(root, "../secret", O_RDONLY, 0), -EXDEV);
        remove_test_directory(path);
}
END_TEST

START_TEST(read_and_write) {
        char *path = unit_make_directory();
        _cleanup_close_ int top = open_directory(path);
        _cleanup_free_ char *text = NULL;
        struct stat st;
        size_t n;

        write_file(top, "f", "one");
        write_file(top, "f", "three");
        ck_assert_int_eq(path_read(top, "f", 100, &text, &n), 0);
        ck_assert_str_eq(text, "three");
        ck_assert_uint_eq(n, 5);
        ck_assert_int_eq(fstatat(top, "f", &st, 0), 0);
        ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);

        ck_assert_int_eq(path_read(top, "f", 4, &text, NULL), -E2BIG);
        ck_assert_int_eq(path_read(top, "nothing", 4, &text, NULL), -ENOENT);
        ck_assert_int_eq(symlinkat("f", top, "link"), 0);
        ck_assert_int_eq(path_read(top, "link", 100, &text, NULL), -EBADMSG);
        ck_assert_int_eq(mkfifoat(top, "fifo", 0600), 0);
        ck_assert_int_eq(path_read(top, "fifo", 100, &text, NULL), -EBADMSG);
        ck_assert_int_eq(path_read(top, ".", 100, &text, NULL), -EBADMSG);

        /* A write that fails leaves what was there, and no debris. */
        ck_assert_int_eq(mkdirat(top, "directory", 0700), 0);
        ck_assert_int_eq(path_write_atomic(top, "directory", "x", 1, 0600), -EISDIR);
        remove_test_directory(path);
}
END_TEST

START_TEST(make_directory) {
        char *path = unit_make_directory();
        _cleanup_close_ int top = open_directory(path), a = -EBADF, b = -EBADF;

        a = path_make_directory(top, "d", 0700);
        b = path_make_directory(top, "d", 0700);
        ck_assert_int_ge(a, 0);
        ck_assert_int_ge(b, 0);
        ck_assert_int_eq(symlinkat("d", top, "link"), 0);
        ck_assert_int_lt(path_make_directory(top, "link", 0700), 0);
        ck_assert_int_eq(path_sync_directory(top), 0);
        remove_test_directory(path);
}
END_TEST

/* Deeper than PATH_MAX, with links out of it, and with names that the removal itself might want to use. */
START_TEST(remove_tree) {
        char *path = unit_make_directory();
        _cleanup_close_ int top = open_directory(path), d = -EBADF;

        write_file(top, "outside", "x");
        ck_assert_int_eq(mkdirat(top, "tree", 0700), 0);
        d = openat(top, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        for (unsigned i = 0; i < 5000; i++) {
                int sub;

                ck_assert_int_eq(mkdirat(d, i % 2 ? ".removing-0" : "sub", 0700), 0);
                if (i % 100 == 0) {
                        ck_assert_int_eq(symlinkat("..", d, "up"), 0);
                        ck_assert_int_eq(symlinkat(path, d, "top"), 0);
                        ck_assert_int_eq(linkat(top, "outside", d, "hard", 0), 0);
                        ck_assert_int_eq(mkfifoat(d, "fifo", 0600), 0);
                }
                sub = openat(d, i % 2 ? ".removing-0" : "sub", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                ck_assert_int_ge(sub, 0);
                fd_close(d);
                d = sub;
        }

        ck_assert_int_eq(path_remove_tree(top, "tree"), 0);
        ck_assert(!exists(top, "tree"));
        ck_assert(exists(top, "outside"));
        ck_assert_int_eq(path_remove_tree(top, "tree"), -ENOENT);

        ck_assert_int_eq(symlinkat("outside", top, "link"), 0);
        ck_assert_int_eq(path_remove_tree(top, "link"), 0);
        ck_assert(exists(top, "outside"));
        remove_test_directory(path);
}
END_TEST

UNIT_TESTS("path", open_in_root, read_and_write, make_directory, remove_tree)
