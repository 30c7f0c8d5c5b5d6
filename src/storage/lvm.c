/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Volumes that are thin logical volumes, each with an ext4 of its own. */
#include "storage/storage.h"

#include <stdio.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "shared/mount.h"
#include "storage/device-mapper.h"
#include "storage/ext4.h"
#include "storage/program.h"
#include "storage/thin-volume.h"

#define MIB (UINT64_C(1024) * 1024)
#define SIZE_DEFAULT (10 * 1024 * MIB)
#define SIZE_MIN (16 * MIB) /* of less, ext4's journal leaves too little */

static int node_of(int device_fd, char ret[static DM_PATH_MAX]) {
        struct stat st;

        if (fstat(device_fd, &st) < 0)
                return -errno;
        dm_path(st.st_rdev, ret);
        return 0;
}

static int make_file_system(const Storage *s, int device_fd, char **ret_error) {
        _cleanup_free_ char *message = NULL;
        char node[DM_PATH_MAX];
        int r;

        r = node_of(device_fd, node);
        if (r < 0)
                return r;
        /* What is lazy is written by the kernel when it is mounted, and a thin volume reads as zeros anyway. */
        r = program_run((char *const *) (const char *const[]) { "mkfs.ext4", "-q", "-F", "-b", "4096" /* ext4.h */, "-m", "0", "-O", "quota,project", "-E",
                                "quotatype=prjquota,lazy_itable_init=1,lazy_journal_init=1,nodiscard,root_owner=0:0", node, NULL }, NULL, &message);
        return message ? storage_fail(ret_error, r, "The store '%s' cannot make a file system: %s", s->name, message) : r;
}

static int make(const Storage *s, int layer_fd, const char *id, uint64_t size, char **ret_error) {
        _cleanup_free_ char *ignored = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        size = size ?: s->size ?: SIZE_DEFAULT;
        r = thin_volume_make(s, layer_fd, id, MAX_OF(size, SIZE_MIN), &fd, ret_error);
        if (r < 0)
                return r;
        r = make_file_system(s, fd, ret_error);
        if (r < 0) {
                fd = fd_close(fd);
                (void) thin_volume_remove(s, layer_fd, id, &ignored);
        }
        return r;
}

static int mount_device(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error) {
        static const char *const options[] = { "discard", "errors=remount-ro", "prjquota", NULL };
        _cleanup_close_ int fd = -EBADF;
        char node[DM_PATH_MAX];
        int r;

        r = thin_volume_open(s, layer_fd, id, &fd, ret_error);
        if (r < 0)
                return r;
        r = node_of(fd, node);
        if (r >= 0)
                r = mount_new("ext4", node, (char *const *) options, 0, ret_mount_fd);
        return r < 0 ? storage_fail(ret_error, r, "The store '%s' cannot mount the volume '%s': %m.", s->name, id) : 0;
}

static int mount_volume(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error) {
        int r;

        r = mount_device(s, layer_fd, id, ret_mount_fd, ret_error);
        if (r < 0)
                return r;
        /* A job may have enlarged it that was killed before the file system followed, or could not. */
        (void) ext4_grow(*ret_mount_fd);
        return 0;
}

/* Less than a volume's own size is a matter of project quotas, so that only what is more is for us. */
static int limit(const Storage *s, int layer_fd, const char *id, uint64_t bytes, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (bytes == UINT64_MAX)
                return 1;
        r = thin_volume_enlarge(s, layer_fd, id, bytes, ret_error);
        if (r <= 0)
                return r < 0 ? r : 1;
        r = mount_device(s, layer_fd, id, &fd, ret_error);
        if (r < 0)
                return r;
        r = ext4_grow(fd);
        return r < 0 ? storage_fail(ret_error, r, "The store '%s' has enlarged a volume, and its file system cannot follow before the next start: %m.", s->name) : 1;
}

const StorageType storage_lvm = {
        .name = "lvm",
        .check = thin_pool_check,
        .make = make,
        .copy = thin_volume_copy,
        .remove = thin_volume_remove,
        .mount = mount_volume,
        .space = thin_pool_space,
        .setup = thin_pool_setup,
        .usage = thin_volume_usage,
        .limit = limit,
};
