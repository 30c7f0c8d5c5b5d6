/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/copy-file.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"

#define BUFFER_SIZE (256U * 1024U)
#define KEPT_MODE 0777

int split_path(char *path, char **ret_directory, char **ret_name) {
        char *slash = strrchr(path, '/');
        char *name = slash ? slash + 1 : path;

        if (*path != '/' || !*name || streq(name, ".") || streq(name, ".."))
                return -EINVAL;
        *slash = 0;
        *ret_directory = slash == path ? (char *) "/" : path;
        *ret_name = name;
        return 0;
}

/* Until there is something to read; a file is always ready. */
static int wait_for_input(int from_fd, bool from_is_file, int cancel_fd) {
        struct pollfd p[] = { { .fd = cancel_fd, .events = POLLIN }, { .fd = from_is_file ? -1 : from_fd, .events = POLLIN } };

        while (poll(p, ELEMENTSOF(p), from_is_file ? 0 : -1) < 0)
                if (errno != EINTR)
                        return -errno;
        return p[0].revents ? -ECANCELED : 0;
}

/* One stretch of data, or all until the end of the file when size is UINT64_MAX. */
static int copy_stretch(int from_fd, bool from_is_file, uint64_t offset, uint64_t size, int to_fd, int cancel_fd, bool *ret_writing,
                        uint8_t *buffer) {
        while (size > 0) {
                size_t n = (size_t) MIN_OF(size, (uint64_t) BUFFER_SIZE);
                ssize_t got;
                int r;

                *ret_writing = false;
                r = wait_for_input(from_fd, from_is_file, cancel_fd);
                if (r < 0)
                        return r;
                do
                        got = from_is_file ? pread(from_fd, buffer, n, (off_t) offset) : read(from_fd, buffer, n);
                while (got < 0 && errno == EINTR);
                if (got < 0)
                        return -errno;
                if (got == 0)
                        return 0;
                *ret_writing = true;
                r = fd_write_all(to_fd, buffer, (size_t) got);
                if (r < 0)
                        return r;
                offset += (uint64_t) got;
                if (size != UINT64_MAX)
                        size -= (uint64_t) got;
        }
        return 1;
}

int copy_content(int from_fd, bool from_is_file, int to_fd, bool to_is_file, int cancel_fd, bool *ret_writing) {
        _cleanup_free_ uint8_t *buffer = malloc(BUFFER_SIZE);
        off_t offset = 0, start, end, base;
        int r;

        *ret_writing = false;
        if (!buffer)
                return -ENOMEM;
        if (!from_is_file || !to_is_file)
                return MIN_OF(copy_stretch(from_fd, from_is_file, 0, UINT64_MAX, to_fd, cancel_fd, ret_writing, buffer), 0);

        base = lseek(to_fd, 0, SEEK_CUR);
        if (base < 0)
                return -errno;
        for (;;) {
                start = lseek(from_fd, offset, SEEK_DATA);
                if (start < 0) {
                        if (errno != ENXIO && errno != EINVAL)
                                return -errno;
                        if (errno == EINVAL) /* the file system knows of no holes */
                                return MIN_OF(copy_stretch(from_fd, true, (uint64_t) offset, UINT64_MAX, to_fd, cancel_fd, ret_writing, buffer), 0);
                        break;
                }
                end = lseek(from_fd, start, SEEK_HOLE);
                if (end < start)
                        return end < 0 ? -errno : -EIO;

                *ret_writing = true;
                if (lseek(to_fd, base + start, SEEK_SET) < 0)
                        return -errno;
                r = copy_stretch(from_fd, true, (uint64_t) start, (uint64_t) (end - start), to_fd, cancel_fd, ret_writing, buffer);
                if (r <= 0)
                        return r;
                offset = end;
        }

        /* A hole at the end: the size says it. */
        end = lseek(from_fd, 0, SEEK_END);
        *ret_writing = true;
        if (end < 0 || (end > offset && ftruncate(to_fd, base + end) < 0) || lseek(to_fd, base + MAX_OF(end, offset), SEEK_SET) < 0)
                return -errno;
        return 0;
}

static int fail_path(Failure *f, int error, const char *what, const char *path) {
        const char *name = name_for_message(path);

        switch (error) {
        case -ENOENT:
                return failure_set(f, FAILURE_NO_SUCH_FILE, error, "There is no '%s' in the container.", name);
        case -ENOTDIR:
                return failure_set(f, FAILURE_NO_SUCH_FILE, error, "'%s' in the container leads through something that is no directory.", name);
        case -ELOOP:
                return failure_set(f, FAILURE_NO_SUCH_FILE, error, "'%s' in the container leads through too many symlinks.", name);
        case -EROFS:
                return failure_set(f, FAILURE_NOT_SUPPORTED, error, "'%s' in the container is on a read-only file system.", name);
        default:
                return failure_set(f, FAILURE_JOB_FAILED, error, "%s '%s' in the container failed: %m", what, name);
        }
}

#define ATTRIBUTE_LIST_MAX 65536U /* the kernel's limits for names and for one value */
#define ATTRIBUTE_VALUE_MAX 65536U

/* A capability is of the program that was there. */
static int keep_attributes(int from_fd, int to_fd) {
        _cleanup_free_ char *names = malloc(ATTRIBUTE_LIST_MAX), *value = malloc(ATTRIBUTE_VALUE_MAX);
        ssize_t n;

        if (!names || !value)
                return -ENOMEM;
        n = flistxattr(from_fd, names, ATTRIBUTE_LIST_MAX);
        if (n < 0)
                return errno == EOPNOTSUPP ? 0 : -errno;
        for (const char *name = names; name < names + n; name += strlen(name) + 1) {
                ssize_t size;

                if (!startswith(name, "user.") && !streq(name, "system.posix_acl_access"))
                        continue;
                size = fgetxattr(from_fd, name, value, ATTRIBUTE_VALUE_MAX);
                if (size < 0 || fsetxattr(to_fd, name, value, (size_t) size, 0) < 0)
                        return -errno;
        }
        return 0;
}

#define SYMLINKS_MAX 40U

/* The path that symlinks at its end lead to. What the directories in it are is looked up within the root, by who opens them. */
static int follow_symlinks(int root_fd, char **path) {
        for (unsigned i = 0; i < SYMLINKS_MAX; i++) {
                _cleanup_free_ char *copy = strdup(*path), *next = NULL;
                _cleanup_close_ int dir = -EBADF;
                char target[PATH_MAX], *directory, *name;
                ssize_t n;
                int r;

                if (!copy)
                        return -ENOMEM;
                r = split_path(copy, &directory, &name);
                if (r < 0)
                        return r;
                dir = path_open_in_root(root_fd, directory, O_PATH | O_DIRECTORY, 0);
                if (dir < 0)
                        return dir;
                n = readlinkat(dir, name, target, sizeof target - 1);
                if (n < 0)
                        return errno == EINVAL ? 0 : -errno;
                target[n] = 0;
                if (asprintf(&next, "%s%s%s", *target == '/' ? "" : directory, *target == '/' || endswith(directory, "/") ? "" : "/", target) < 0)
                        return -ENOMEM;
                free(*path);
                *path = TAKE_PTR(next);
        }
        return -ELOOP;
}

static int write_temporary(int dir_fd, const CopyFile *c, mode_t mode, uid_t uid, gid_t gid, int old_fd, char temporary[static 32], Failure *f) {
        _cleanup_close_ int fd = -EBADF;
        uint64_t random;
        bool writing;
        int r;

        if (getrandom(&random, sizeof random, 0) != sizeof random)
                return failure_set(f, FAILURE_JOB_FAILED, errno, "Failed to get a random number: %m");
        snprintf(temporary, 32, ".berth-%016llx", (unsigned long long) random);

        fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) {
                *temporary = 0;
                return fail_path(f, -errno, "Writing to the directory of", c->path);
        }
        r = copy_content(c->fd, c->fd_is_file, fd, true, c->cancel_fd, &writing);
        if (r == -ECANCELED)
                return failure_set(f, FAILURE_JOB_FAILED, r, "The copy was cancelled.");
        if (r < 0 && !writing)
                return failure_set(f, FAILURE_JOB_FAILED, r, "Failed to read what is to be copied: %m");
        if (r >= 0 && (fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0))
                r = -errno;
        if (r >= 0 && old_fd >= 0)
                r = keep_attributes(old_fd, fd);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        return r < 0 ? fail_path(f, r, "Writing", c->path) : 0;
}

int copy_file_to(int root_fd, const CopyFile *c, Failure *f) {
        _cleanup_free_ char *copy = strdup(c->path);
        _cleanup_close_ int dir = -EBADF, old = -EBADF;
        char *directory, *name, temporary[32] = "";
        mode_t mode = 0644;
        uid_t uid = 0;
        gid_t gid = 0;
        struct stat st;
        int r;

        if (!copy)
                return failure_set(f, FAILURE_JOB_FAILED, ENOMEM, "Out of memory.");
        if (c->keep) {
                r = follow_symlinks(root_fd, &copy);
                if (r < 0)
                        return fail_path(f, r, "Opening", c->path);
        }
        if (split_path(copy, &directory, &name) < 0)
                return failure_set(f, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' is no absolute path of a file.", name_for_message(c->path));

        dir = path_open_in_root(root_fd, directory, O_RDONLY | O_DIRECTORY, 0);
        if (dir < 0)
                return fail_path(f, dir, "Opening", directory);
        if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) >= 0) {
                if (S_ISDIR(st.st_mode))
                        return failure_set(f, FAILURE_FILE_EXISTS, EISDIR, "'%s' in the container is a directory.", name_for_message(c->path));
                if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
                        return failure_set(f, FAILURE_FILE_EXISTS, EEXIST, "'%s' in the container is no regular file and is not replaced.",
                                           name_for_message(c->path));
                if (S_ISREG(st.st_mode)) {
                        mode = st.st_mode & KEPT_MODE;
                        uid = st.st_uid;
                        gid = st.st_gid;
                }
        } else if (errno != ENOENT || c->keep)
                return fail_path(f, -errno, "Looking at", c->path);
        if (c->keep) {
                old = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (old < 0 || fstat(old, &st) < 0 || !S_ISREG(st.st_mode))
                        return fail_path(f, old < 0 ? -errno : -EINVAL, "Opening", c->path);
        }

        if (c->mode != MODE_UNSET)
                mode = c->mode;
        if (c->uid != (uid_t) -1)
                uid = c->uid;
        if (c->gid != (gid_t) -1)
                gid = c->gid;

        r = write_temporary(dir, c, mode, uid, gid, old, temporary, f);
        if (r >= 0 && renameat(dir, temporary, dir, name) < 0)
                r = fail_path(f, -errno, "Replacing", c->path);
        if (r < 0 && *temporary)
                (void) unlinkat(dir, temporary, 0);
        return r;
}

int copy_file_from(int root_fd, const CopyFile *c, struct stat *ret, Failure *f) {
        _cleanup_close_ int path_fd = -EBADF, fd = -EBADF;
        bool writing;
        int r;

        /* Looked at before it is opened: opening a device can do something. It may be another file by then, so it is looked at again. */
        path_fd = path_open_in_root(root_fd, c->path, O_PATH, 0);
        if (path_fd < 0)
                return fail_path(f, path_fd, "Opening", c->path);
        if (fstat(path_fd, ret) < 0)
                return fail_path(f, -errno, "Looking at", c->path);
        if (S_ISREG(ret->st_mode)) {
                fd = path_open_in_root(root_fd, c->path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
                if (fd < 0)
                        return fail_path(f, fd, "Opening", c->path);
                if (fstat(fd, ret) < 0)
                        return fail_path(f, -errno, "Looking at", c->path);
        }
        if (S_ISDIR(ret->st_mode))
                return failure_set(f, FAILURE_INVALID_ARGUMENT, EISDIR, "'%s' in the container is a directory.", name_for_message(c->path));
        if (!S_ISREG(ret->st_mode))
                return failure_set(f, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' in the container is no regular file.", name_for_message(c->path));

        r = copy_content(fd, true, c->fd, c->fd_is_file, c->cancel_fd, &writing);
        if (r < 0)
                return writing ? failure_set(f, FAILURE_JOB_FAILED, r, "Failed to write what was copied: %m")
                               : fail_path(f, r, "Reading", c->path);
        return 0;
}
