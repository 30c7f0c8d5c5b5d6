/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/oci-merge.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "worker/writer.h"

#define OPAQUE OCI_WHITEOUT ".wh..opq"
#define DEPTH_MAX 300U
#define LIST_SIZE_MAX 65536U
#define VALUE_SIZE_MAX 65536U

static int fail(Failure *f, int error, const char *name) {
        return failure_set(f, FAILURE_JOB_FAILED, error, "Failed to put '%s' of a layer in its place: %m", name_for_message(name));
}

static int list(int dir_fd, char ***ret) {
        _cleanup_strv_ char **names = NULL;
        int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        struct dirent *de;
        DIR *d = fd < 0 ? NULL : fdopendir(fd);

        if (!d) {
                r = -errno;
                (void) fd_close(fd);
                return r;
        }
        while (r >= 0 && (de = readdir(d)))
                if (!streq(de->d_name, ".") && !streq(de->d_name, ".."))
                        r = strv_extend(&names, de->d_name);
        (void) closedir(d);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(names);
        return 0;
}

static int remove_all(int dir_fd, const char *name) {
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode))
                return path_remove_tree(dir_fd, name);
        return unlinkat(dir_fd, name, 0) < 0 ? -errno : 0;
}

static bool is_implied(const struct stat *st) {
        return (st->st_mode & 07777) == LAYER_IMPLIED_MODE;
}

/* A directory that both have is as the layer says; also one that was just made below a directory with a default ACL. */
static int copy_attributes(int from_fd, int to_fd) {
        _cleanup_free_ char *names = malloc(LIST_SIZE_MAX), *value = malloc(VALUE_SIZE_MAX);
        struct stat st;
        ssize_t n;

        if (!names || !value)
                return -ENOMEM;
        n = flistxattr(to_fd, names, LIST_SIZE_MAX);
        for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1)
                if (fremovexattr(to_fd, name) < 0 && errno != ENODATA && !startswith(name, "security.") && !startswith(name, "trusted."))
                        return -errno;
        if (fstat(from_fd, &st) < 0 || fchown(to_fd, st.st_uid, st.st_gid) < 0 || fchmod(to_fd, st.st_mode & 07777) < 0)
                return -errno;
        n = flistxattr(from_fd, names, LIST_SIZE_MAX);
        for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
                ssize_t size = fgetxattr(from_fd, name, value, VALUE_SIZE_MAX);

                if (size < 0 || fsetxattr(to_fd, name, value, (size_t) size, 0) < 0)
                        return -errno;
        }
        return futimens(to_fd, (const struct timespec[]) { st.st_atim, st.st_mtim }) < 0 ? -errno : 0;
}

static int take_away(int root_fd, char *const *names, Failure *f) {
        _cleanup_strv_ char **there = NULL;
        int r = 0;

        if (strv_find(names, OPAQUE)) {
                r = list(root_fd, &there);
                STRV_FOREACH(n, there)
                        if (r >= 0)
                                r = remove_all(root_fd, *n);
                if (r < 0)
                        return fail(f, r, OPAQUE);
        }
        STRV_FOREACH(n, names) {
                const char *gone = startswith(*n, OCI_WHITEOUT);

                if (!gone || startswith(*n, OCI_WHITEOUT OCI_WHITEOUT))
                        continue;
                if (!*gone || streq(gone, ".") || streq(gone, ".."))
                        return failure_set(f, FAILURE_BAD_ARCHIVE, EINVAL, "A layer takes away '%s', which cannot be a name.", name_for_message(gone));
                r = remove_all(root_fd, gone);
                if (r < 0)
                        return fail(f, r, gone);
        }
        return 0;
}

static int merge(int layer_fd, int root_fd, unsigned depth, Failure *f);

static int put(int layer_fd, int root_fd, const char *name, unsigned depth, Failure *f) {
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        struct stat st;
        int r;

        if (fstatat(layer_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return fail(f, errno, name);
        if (S_ISDIR(st.st_mode)) {
                /* Also one that is only the layer's: there may be whiteouts in it. What it does not have itself may be a symlink below, such as /lib. */
                to = openat(root_fd, name, O_RDONLY | O_DIRECTORY | (is_implied(&st) ? 0 : O_NOFOLLOW) | O_CLOEXEC);
                if (to < 0) {
                        r = remove_all(root_fd, name);
                        if (r < 0)
                                return fail(f, r, name);
                        if (mkdirat(root_fd, name, 0700) < 0)
                                return fail(f, errno, name);
                        to = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                        if (to >= 0 && is_implied(&st) && fchmod(to, 0755) < 0)
                                return fail(f, errno, name);
                }
                from = openat(layer_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (from < 0 || to < 0)
                        return fail(f, errno, name);
                return merge(from, to, depth + 1, f);
        }
        if (renameat(layer_fd, name, root_fd, name) >= 0)
                return 0;
        if (errno != EISDIR && errno != ENOTEMPTY && errno != EEXIST)
                return fail(f, errno, name);
        r = remove_all(root_fd, name);
        if (r >= 0 && renameat(layer_fd, name, root_fd, name) < 0)
                r = -errno;
        return r < 0 ? fail(f, r, name) : 0;
}

static int merge(int layer_fd, int root_fd, unsigned depth, Failure *f) {
        _cleanup_strv_ char **names = NULL;
        struct stat layer, root;
        int r;

        if (fstat(layer_fd, &layer) < 0 || fstat(root_fd, &root) < 0)
                return fail(f, errno, ".");
        if (depth > DEPTH_MAX)
                return failure_set(f, FAILURE_LIMIT_REACHED, ELOOP, "A layer is nested deeper than %u directories.", DEPTH_MAX);
        r = list(layer_fd, &names);
        if (r < 0)
                return fail(f, r, ".");
        /* First what goes: a layer can take a name away that it has itself, and means the one below. */
        r = take_away(root_fd, names, f);
        STRV_FOREACH(n, names)
                if (r >= 0 && !startswith(*n, OCI_WHITEOUT))
                        r = put(layer_fd, root_fd, *n, depth, f);
        if (r < 0)
                return r;
        if (is_implied(&layer))
                r = futimens(root_fd, (const struct timespec[]) { root.st_atim, root.st_mtim }) < 0 ? -errno : 0;
        else
                r = copy_attributes(layer_fd, root_fd);
        return r < 0 ? fail(f, r, ".") : 0;
}

int oci_merge(int layer_fd, int root_fd, Failure *f) {
        return merge(layer_fd, root_fd, 0, f);
}
