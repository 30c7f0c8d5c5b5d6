/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* One file into or out of a tree that may be anything. */

#include "worker/copy-file.h"

#include <fcntl.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "unit.h"

typedef struct Fixture {
        char *path;
        int root, outside;
} Fixture;

static void set_up(Fixture *f) {
        f->path = unit_make_directory();
        f->outside = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        f->root = path_make_directory(f->outside, "root", 0755);
        ck_assert_int_ge(f->root, 0);
        ck_assert_int_eq(path_write_atomic(f->outside, "secret", "secret", 6, 0600), 0);
        (void) fd_close(path_make_directory(f->root, "etc", 0755));
        ck_assert_int_eq(path_write_atomic(f->root, "etc/file", "old", 3, 0640), -ENOENT); /* names only */
        ck_assert_int_eq(path_write_atomic(f->root, "file", "old", 3, 0640), 0);
        ck_assert_int_eq(symlinkat("../..", f->root, "up"), 0);
        ck_assert_int_eq(symlinkat("../../secret", f->root, "leak"), 0);
        ck_assert_int_eq(mkfifoat(f->root, "fifo", 0644), 0);
}

static void tear_down(Fixture *f) {
        char *text;

        ck_assert_int_eq(path_read(f->outside, "secret", 100, &text, NULL), 0);
        ck_assert_str_eq(text, "secret");
        free(text);
        (void) fd_close(f->root);
        (void) fd_close(f->outside);
        ck_assert_int_eq(path_remove_tree(AT_FDCWD, f->path), 0);
        free(f->path);
}

static FailureKind copy_to(const Fixture *f, const char *path, const char *content, mode_t mode) {
        _cleanup_fclose_ FILE *source = tmpfile();
        const CopyFile c = { .path = path, .cancel_fd = -EBADF, .fd = fileno(source), .fd_is_file = true, .mode = mode, .uid = getuid(), .gid = getgid() };
        Failure failure = {};
        int r;

        ck_assert_int_eq(fd_write_all(c.fd, content, strlen(content)), 0);
        r = copy_file_to(f->root, &c, &failure);
        ck_assert((r < 0) == (failure.kind != FAILURE_NONE));
        return failure.kind;
}

static FailureKind copy_from(const Fixture *f, const char *path, char **ret) {
        _cleanup_fclose_ FILE *destination = tmpfile();
        const CopyFile c = { .path = path, .cancel_fd = -EBADF, .fd = fileno(destination), .fd_is_file = true };
        Failure failure = {};
        struct stat st;

        if (copy_file_from(f->root, &c, &st, &failure) >= 0) {
                ck_assert_int_eq(lseek(c.fd, 0, SEEK_SET), 0);
                ck_assert_int_eq(fd_read_string(c.fd, 1000, ret, NULL), 0);
        }
        return failure.kind;
}

START_TEST(R130_both_ways) {
        _cleanup_free_ char *text = NULL;
        struct stat st;
        Fixture f;

        set_up(&f);
        ck_assert_int_eq(copy_to(&f, "/etc/new", "content", MODE_UNSET), FAILURE_NONE);
        ck_assert_int_eq(fstatat(f.root, "etc/new", &st, 0), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0644);
        ck_assert_int_eq(copy_from(&f, "/etc/../etc/./new", &text), FAILURE_NONE);
        ck_assert_str_eq(text, "content");

        /* What is replaced keeps its mode. */
        ck_assert_int_eq(copy_to(&f, "/file", "new", MODE_UNSET), FAILURE_NONE);
        ck_assert_int_eq(fstatat(f.root, "file", &st, 0), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 0640);
        ck_assert_int_eq(copy_to(&f, "/file", "new", 04755), FAILURE_NONE);
        ck_assert_int_eq(fstatat(f.root, "file", &st, 0), 0);
        ck_assert_uint_eq(st.st_mode & 07777, 04755);
        tear_down(&f);
}
END_TEST

START_TEST(S78_stays_inside) {
        _cleanup_free_ char *text = NULL;
        struct stat st;
        Fixture f;

        set_up(&f);
        ck_assert_int_eq(copy_to(&f, "/up/secret", "evil", MODE_UNSET), FAILURE_NONE);
        ck_assert_int_eq(fstatat(f.root, "secret", &st, AT_SYMLINK_NOFOLLOW), 0);
        ck_assert_int_eq(copy_to(&f, "/../../secret", "evil", MODE_UNSET), FAILURE_NONE);
        ck_assert_int_eq(copy_to(&f, "/leak", "evil", MODE_UNSET), FAILURE_NONE);
        ck_assert_int_eq(fstatat(f.root, "leak", &st, AT_SYMLINK_NOFOLLOW), 0);
        ck_assert(S_ISREG(st.st_mode));

        ck_assert_int_eq(unlinkat(f.root, "secret", 0), 0);
        ck_assert_int_eq(copy_from(&f, "/up/secret", &text), FAILURE_NO_SUCH_FILE);
        ck_assert_int_eq(copy_from(&f, "/../secret", &text), FAILURE_NO_SUCH_FILE);
        tear_down(&f);
}
END_TEST

START_TEST(S79_no_regular_file) {
        _cleanup_free_ char *text = NULL;
        Fixture f;

        set_up(&f);
        ck_assert_int_eq(copy_from(&f, "/fifo", &text), FAILURE_INVALID_ARGUMENT);
        ck_assert_int_eq(copy_from(&f, "/etc", &text), FAILURE_INVALID_ARGUMENT);
        ck_assert_int_eq(copy_from(&f, "/nothing", &text), FAILURE_NO_SUCH_FILE);
        ck_assert_int_eq(copy_from(&f, "/file/x", &text), FAILURE_NO_SUCH_FILE);
        ck_assert_int_eq(copy_to(&f, "/fifo", "x", MODE_UNSET), FAILURE_FILE_EXISTS);
        ck_assert_int_eq(copy_to(&f, "/etc", "x", MODE_UNSET), FAILURE_FILE_EXISTS);
        ck_assert_int_eq(copy_to(&f, "/nowhere/x", "x", MODE_UNSET), FAILURE_NO_SUCH_FILE);
        ck_assert_int_eq(copy_to(&f, "/", "x", MODE_UNSET), FAILURE_INVALID_ARGUMENT);
        ck_assert_int_eq(copy_to(&f, "/etc/", "x", MODE_UNSET), FAILURE_INVALID_ARGUMENT);
        ck_assert_int_eq(copy_to(&f, "/etc/..", "x", MODE_UNSET), FAILURE_INVALID_ARGUMENT);
        ck_assert_int_eq(copy_to(&f, "relative", "x", MODE_UNSET), FAILURE_INVALID_ARGUMENT);
        tear_down(&f);
}
END_TEST

START_TEST(holes) {
        _cleanup_fclose_ FILE *a = tmpfile(), *b = tmpfile();
        struct stat st;
        bool writing;
        char text[8];

        ck_assert_int_eq((int) pwrite(fileno(a), "middle", 6, 5 << 20), 6);
        ck_assert_int_eq(ftruncate(fileno(a), 20 << 20), 0);
        ck_assert_int_eq(copy_content(fileno(a), true, fileno(b), true, -EBADF, &writing), 0);
        ck_assert_int_eq(fstat(fileno(b), &st), 0);
        ck_assert_int_eq(st.st_size, 20 << 20);
        ck_assert_int_lt(st.st_blocks, 1024);
        ck_assert_int_eq((int) pread(fileno(b), text, 6, 5 << 20), 6);
        ck_assert(memcmp(text, "middle", 6) == 0);
}
END_TEST

UNIT_TESTS("copy-file", R130_both_ways, S78_stays_inside, S79_no_regular_file, holes)
