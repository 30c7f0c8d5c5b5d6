/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "shared/mount.h"
#include "storage/storage.h"
#include "storage/tree.h"

/* The overlay store: a volume is layers/ID itself, on whatever file system the state directory is. A volume is frozen by putting another on top. */

static int check(const Storage *s, char **ret_error) {
        struct statvfs v;

        if (statvfs(BERTH_STATE_DIR, &v) < 0)
                return storage_fail(ret_error, errno, "The state directory '" BERTH_STATE_DIR "' cannot be used: %m");
        if (v.f_flag & ST_RDONLY)
                return storage_fail(ret_error, EROFS, "The state directory '" BERTH_STATE_DIR "' is read-only.");
        return 0;
}

static int make(const Storage *s, int layer_fd, const char *id, uint64_t size, char **ret_error) {
        return 0;
}

static int copy(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = tree_copy_directory(from_fd, layer_fd, "upper", &error);
        return r < 0 ? storage_fail(ret_error, r, error ? "Failed to copy the files: %s" : "Failed to copy the files: %m", error) : 0;
}

static int remove_volume(const Storage *s, int layer_fd, const char *id, char **ret_error) {
        return 0;
}

static int mount_volume(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error) {
        return mount_clone(layer_fd, "", false, ret_mount_fd);
}

static int space(const Storage *s, uint64_t *ret_used, uint64_t *ret_free) {
        struct statvfs v;

        if (statvfs(BERTH_STATE_DIR, &v) < 0)
                return -errno;
        *ret_used = (uint64_t) (v.f_blocks - v.f_bfree) * v.f_frsize;
        *ret_free = (uint64_t) v.f_bavail * v.f_frsize;
        return 0;
}

static int usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes) {
        _cleanup_close_ int upper = path_open_beneath(layer_fd, "upper", O_RDONLY | O_DIRECTORY, 0);

        return upper < 0 ? upper : tree_measure(upper, ret_bytes);
}

const StorageType storage_overlay = {
        .name = "overlay",
        .chains = true,
        .check = check,
        .make = make,
        .copy = copy,
        .remove = remove_volume,
        .mount = mount_volume,
        .space = space,
        .usage = usage,
};
