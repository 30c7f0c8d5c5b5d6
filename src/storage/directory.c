/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/directory.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "shared/mount.h"
#include "storage/tree.h"

/* The directory store: any directory of the host. A copy shares blocks where its file system can (reflinks), and is a copy of each file else. */

static int fail_store(char **ret_error, int error, const Storage *s) {
        return storage_fail(ret_error, error, "The store '%s' at '%s' cannot be used: %m", s->name, s->path);
}

int directory_open_volumes(const Storage *s, int *ret_fd, char **ret_error) {
        _cleanup_close_ int path = -EBADF;
        int r;

        if (!s->path)
                return storage_fail(ret_error, EBADMSG, "The store '%s' has no Path=.", s->name);
        path = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = path < 0 ? -errno : path_open_beneath(path, DIRECTORY_VOLUMES, O_RDONLY | O_DIRECTORY, 0);
        if (r == -ENOENT && path >= 0)
                r = path_make_directory(path, DIRECTORY_VOLUMES, 0700);
        if (r < 0)
                return fail_store(ret_error, r, s);
        *ret_fd = r;
        return 0;
}

int directory_open_volume(const Storage *s, const char *id, int *ret_fd, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF;
        int r;

        r = directory_open_volumes(s, &volumes, ret_error);
        if (r < 0)
                return r;
        r = path_open_beneath(volumes, id, O_RDONLY | O_DIRECTORY, 0);
        if (r == -ENOENT)
                return storage_fail(ret_error, r, "What the container has written is not in the store '%s' at '%s'; is that mounted?", s->name, s->path);
        if (r < 0)
                return fail_store(ret_error, r, s);
        *ret_fd = r;
        return 0;
}

int directory_check(const Storage *s, char **ret_error) {
        struct statvfs v;

        if (!s->path)
                return storage_fail(ret_error, EBADMSG, "The store '%s' has no Path=.", s->name);
        if (statvfs(s->path, &v) < 0)
                return fail_store(ret_error, errno, s);
        return v.f_flag & ST_RDONLY ? storage_fail(ret_error, EROFS, "The store '%s' at '%s' is read-only.", s->name, s->path) : 0;
}

int directory_space(const Storage *s, uint64_t *ret_used, uint64_t *ret_free) {
        struct statvfs v;

        if (!s->path || statvfs(s->path, &v) < 0)
                return -errno;
        *ret_used = (uint64_t) (v.f_blocks - v.f_bfree) * v.f_frsize;
        *ret_free = (uint64_t) v.f_bavail * v.f_frsize;
        return 0;
}

int directory_setup(Storage *s, uint64_t size, char **ret_error) {
        if (!s->path) {
                (void) mkdir(BERTH_STATE_DIR, 0700);
                (void) mkdir(BERTH_STATE_DIR "/stores", 0700);
                if (asprintf(&s->path, BERTH_STATE_DIR "/stores/%s", s->name) < 0) {
                        s->path = NULL;
                        return -ENOMEM;
                }
        }
        return mkdir(s->path, 0700) < 0 && errno != EEXIST ? fail_store(ret_error, errno, s) : 0;
}

/* Who has put something else there keeps it. */
int directory_teardown(const Storage *s, char **ret_error) {
        _cleanup_close_ int path = s->path ? open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;

        if (path < 0)
                return 0;
        if (unlinkat(path, DIRECTORY_VOLUMES, AT_REMOVEDIR) < 0 && errno != ENOENT)
                return storage_fail(ret_error, errno, "'%s/" DIRECTORY_VOLUMES "' of the store '%s' cannot be removed: %m", s->path, s->name);
        (void) rmdir(s->path);
        return 0;
}

static int make(const Storage *s, int layer_fd, const char *id, uint64_t size, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF;
        int r;

        r = directory_open_volumes(s, &volumes, ret_error);
        if (r < 0)
                return r;
        if (mkdirat(volumes, id, 0755) < 0)
                return fail_store(ret_error, errno, s);
        /* umask(2) took from it. */
        if (fchmodat(volumes, id, 0755, 0) < 0) {
                r = fail_store(ret_error, errno, s);
                (void) unlinkat(volumes, id, AT_REMOVEDIR);
                return r;
        }
        return 0;
}

static int remove_volume(const Storage *s, int layer_fd, const char *id, char **ret_error) {
        _cleanup_close_ int volumes = -EBADF;
        int r;

        r = directory_open_volumes(s, &volumes, ret_error);
        if (r >= 0)
                r = path_remove_tree(volumes, id);
        return r < 0 && r != -ENOENT && !*ret_error ? fail_store(ret_error, r, s) : r;
}

static int copy(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error) {
        _cleanup_close_ int source = -EBADF, target = -EBADF;
        _cleanup_free_ char *error = NULL, *ignored = NULL;
        int r;

        r = directory_open_volume(s, from, &source, ret_error);
        if (r >= 0)
                r = make(s, layer_fd, id, 0, ret_error);
        if (r < 0)
                return r;
        r = directory_open_volume(s, id, &target, ret_error);
        if (r >= 0) {
                r = tree_copy_directory(source, target, "upper", &error);
                if (r < 0)
                        r = error ? storage_fail(ret_error, r, "Failed to copy within the store '%s': %s", s->name, error) : fail_store(ret_error, r, s);
        }
        if (r < 0)
                (void) remove_volume(s, layer_fd, id, &ignored);
        return r;
}

int directory_mount(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error) {
        _cleanup_close_ int volume = -EBADF, mount_fd = -EBADF;
        struct statvfs v;
        int r;

        r = directory_open_volume(s, id, &volume, ret_error);
        if (r < 0)
                return r;
        r = mount_clone(volume, "", false, &mount_fd);
        /* What is writable may be a mount that this unit sees read-only. */
        if (r >= 0 && fstatvfs(volume, &v) >= 0 && v.f_flag & ST_RDONLY)
                r = mount_set_attributes(mount_fd, 0, MOUNT_ATTR_RDONLY, false);
        if (r < 0)
                return fail_store(ret_error, r, s);
        *ret_mount_fd = TAKE_FD(mount_fd);
        return 0;
}

int directory_usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes) {
        _cleanup_close_ int volume = -EBADF, upper = -EBADF;
        _cleanup_free_ char *error = NULL;
        int r;

        r = directory_open_volume(s, id, &volume, &error);
        if (r >= 0)
                r = upper = path_open_beneath(volume, "upper", O_RDONLY | O_DIRECTORY, 0);
        return r < 0 ? r : tree_measure(upper, ret_bytes);
}

const StorageType storage_directory = {
        .name = "directory",
        .check = directory_check,
        .make = make,
        .copy = copy,
        .remove = remove_volume,
        .mount = directory_mount,
        .space = directory_space,
        .setup = directory_setup,
        .teardown = directory_teardown,
        .usage = directory_usage,
};
