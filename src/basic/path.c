/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/path.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"

static int openat2_retry(int dir_fd, const char *path, const struct open_how *how) {
        /* -EAGAIN means a rename ran during the resolution and the kernel could not be sure (openat2(2)); a hostile loop of renames
         * may keep that up, so there is an end to it. */
        for (unsigned i = 0; i < 128; i++) {
                int fd = (int) syscall(SYS_openat2, dir_fd, path, how, sizeof *how);

                if (fd >= 0)
                        return fd;
                if (errno != EAGAIN && errno != EINTR)
                        return -errno;
        }
        return -EAGAIN;
}

int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode) {
        struct open_how how = {
                .flags = (uint64_t) (unsigned) flags | O_CLOEXEC,
                .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
                .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
        };

        return openat2_retry(root_fd, path, &how);
}

int path_open_beneath(int dir_fd, const char *path, int flags, mode_t mode) {
        struct open_how how = {
                .flags = (uint64_t) (unsigned) flags | O_CLOEXEC,
                .mode = flags & (O_CREAT | __O_TMPFILE) ? mode : 0,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };

        return openat2_retry(dir_fd, path, &how);
}

int path_read(int dir_fd, const char *name, size_t max_bytes, char **ret, size_t *ret_size) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;

        fd = path_open_beneath(dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        if (fd < 0)
                return fd == -ELOOP ? -EBADMSG : fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EBADMSG;
        return fd_read_string(fd, max_bytes, ret, ret_size);
}

int path_sync_directory(int dir_fd) {
        return fsync(dir_fd) < 0 ? -errno : 0;
}

int path_write_atomic(int dir_fd, const char *name, const void *data, size_t size, mode_t mode) {
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        assert(name);

        if (asprintf(&temporary, ".%s.%d.new", name, (int) getpid()) < 0)
                return -ENOMEM;

        (void) unlinkat(dir_fd, temporary, 0);
        fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        if (fd < 0)
                return -errno;

        r = fd_write_all(fd, data, size);
        if (r >= 0 && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || renameat(dir_fd, temporary, dir_fd, name) < 0))
                r = -errno;
        if (r < 0) {
                (void) unlinkat(dir_fd, temporary, 0);
                return r;
        }
        return path_sync_directory(dir_fd);
}

int path_make_directory(int dir_fd, const char *name, mode_t mode) {
        int fd;

        if (mkdirat(dir_fd, name, mode) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* Unlinks what is in the directory. Returns 1 with *ret_name set at the first subdirectory that is not empty. */
static int empty_directory(DIR *d, char **ret_name) {
        struct dirent *de;

        while ((errno = 0, de = readdir(d))) {
                if (strcmp(de->d_name, ".") == 0 || strcmp(de->d_name, "..") == 0)
                        continue;

                if (de->d_type != DT_DIR && unlinkat(dirfd(d), de->d_name, 0) >= 0)
                        continue;
                if (de->d_type != DT_DIR && errno == ENOENT)
                        continue;
                if (de->d_type != DT_DIR && errno != EISDIR && errno != EPERM)
                        return -errno;

                if (unlinkat(dirfd(d), de->d_name, AT_REMOVEDIR) >= 0 || errno == ENOENT)
                        continue;
                if (errno != ENOTEMPTY && errno != EEXIST)
                        return -errno;

                *ret_name = strdup(de->d_name);
                return *ret_name ? 1 : -ENOMEM;
        }
        return -errno;
}

int path_remove_tree(int dir_fd, const char *name) {
        _cleanup_close_ int top = -EBADF;
        struct stat st, here;

        assert(name);

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) >= 0)
                return 0;

        top = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (top < 0)
                return -errno;

        /* Walks down with one open directory at a time. A subdirectory that is not empty is moved up to the top before it is
         * descended into, so that no depth needs a stack and no ".." is ever followed. */
        for (unsigned long serial = 0;;) {
                _cleanup_close_ int fd = -EBADF;
                _cleanup_free_ char *sub = NULL;
                char moved[64];
                DIR *d;
                int r;

                fd = openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0)
                        return -errno;
                d = fdopendir(fd);
                if (!d)
                        return -errno;
                (void) TAKE_FD(fd);
                r = empty_directory(d, &sub);
                (void) closedir(d);
                if (r < 0)
                        return r;
                if (r == 0)
                        break;

                for (;;) {
                        _cleanup_close_ int sub_fd = -EBADF;
                        _cleanup_free_ char *deeper = NULL;
                        DIR *s;

                        sub_fd = openat(top, sub, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                        if (sub_fd < 0)
                                return -errno;
                        if (fstat(sub_fd, &here) < 0)
                                return -errno;
                        if (here.st_dev != st.st_dev)
                                return -EXDEV;

                        s = fdopendir(sub_fd);
                        if (!s)
                                return -errno;
                        (void) TAKE_FD(sub_fd);
                        r = empty_directory(s, &deeper);
                        if (r == 1) {
                                do
                                        snprintf(moved, sizeof moved, ".removing-%lu", serial++);
                                while (renameat2(dirfd(s), deeper, top, moved, RENAME_NOREPLACE) < 0 && errno == EEXIST);
                        }
                        (void) closedir(s);
                        if (r < 0)
                                return r;
                        if (r == 0) {
                                if (unlinkat(top, sub, AT_REMOVEDIR) < 0)
                                        return -errno;
                                break;
                        }
                }
        }

        return unlinkat(dir_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}
