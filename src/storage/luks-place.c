/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/luks-place.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "shared/mount.h"
#include "storage/directory.h"
#include "storage/thin-volume.h"

#define LUKS_FILE "luks"
#define SIZE_UNIT UINT64_C(4096) /* its sectors (luks/main.c) */

/* --- a file --- */

typedef struct File {
        int dir_fd; /* owned, or borrowed */
        bool owned;
        const char *name;
} File;

#define FILE_NONE (File) { .dir_fd = -EBADF }

static void file_done(File *f) {
        if (f->owned)
                (void) fd_close(f->dir_fd);
}

static int file_find(const Storage *s, int layer_fd, const char *id, File *ret, char **ret_error) {
        int fd, r;

        *ret = (File) { .dir_fd = layer_fd, .name = LUKS_FILE };
        if (!s->path)
                return 0;
        r = directory_open_volumes(s, &fd, ret_error);
        if (r >= 0)
                *ret = (File) { .dir_fd = fd, .owned = true, .name = id };
        return r;
}

static int file_open_flags(const File *f, int flags) {
        return path_open_beneath(f->dir_fd, f->name, flags, 0600);
}

/* Where the store's Path= is may be a mount that this unit sees read-only. */
static int file_open_writable(const File *f) {
        _cleanup_close_ int mount_fd = -EBADF;
        int fd, r;

        fd = file_open_flags(f, O_RDWR);
        if (fd != -EROFS)
                return fd;
        r = mount_clone(f->dir_fd, "", false, &mount_fd);
        if (r >= 0)
                r = mount_set_attributes(mount_fd, 0, MOUNT_ATTR_RDONLY, false);
        return r < 0 ? r : path_open_beneath(mount_fd, f->name, O_RDWR, 0);
}

static int file_check(const Storage *s, char **ret_error) {
        if (s->pool)
                return storage_fail(ret_error, EINVAL, "The store '%s' names a thin pool and no volume group; its file has to say VolumeGroup=, too.", s->name);
        return s->path ? directory_check(s, ret_error) : 0;
}

static int file_make(const Storage *s, int layer_fd, const char *id, uint64_t size, int *ret_fd, char **ret_error) {
        _cleanup_(file_done) File f = FILE_NONE;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = file_find(s, layer_fd, id, &f, ret_error);
        if (r < 0)
                return r;
        fd = file_open_flags(&f, O_RDWR | O_CREAT | O_EXCL);
        if (fd < 0)
                return fd;
        if (ftruncate(fd, (off_t) (size & ~(SIZE_UNIT - 1))) < 0) {
                r = -errno;
                (void) unlinkat(f.dir_fd, f.name, 0);
                return r;
        }
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int file_open(const Storage *s, int layer_fd, const char *id, int *ret_fd, char **ret_error) {
        _cleanup_(file_done) File f = FILE_NONE;
        int r, fd;

        r = file_find(s, layer_fd, id, &f, ret_error);
        if (r < 0)
                return r;
        fd = file_open_writable(&f);
        if (fd < 0)
                return fd;
        *ret_fd = fd;
        return 0;
}

static int copy_data(int from, int to) {
        off_t end = lseek(from, 0, SEEK_END), data = 0;

        if (end < 0 || ftruncate(to, end) < 0)
                return -errno;
        while (data < end) {
                off_t hole, out;

                data = lseek(from, data, SEEK_DATA);
                if (data < 0)
                        return errno == ENXIO ? 0 : -errno;
                hole = lseek(from, data, SEEK_HOLE);
                if (hole < 0)
                        return -errno;
                out = data;
                while (data < hole) {
                        ssize_t n = copy_file_range(from, &data, to, &out, (size_t) (hole - data), 0);

                        if (n < 0)
                                return -errno;
                        if (n == 0)
                                return -EIO;
                }
        }
        return 0;
}

static int file_copy(const Storage *s, int from_fd, const char *from_id, int layer_fd, const char *id, char **ret_error) {
        _cleanup_(file_done) File source = FILE_NONE, target = FILE_NONE;
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        int r;

        r = file_find(s, from_fd, from_id, &source, ret_error);
        if (r >= 0)
                r = file_find(s, layer_fd, id, &target, ret_error);
        if (r < 0)
                return r;
        from = file_open_flags(&source, O_RDONLY);
        if (from < 0)
                return from;
        to = file_open_flags(&target, O_RDWR | O_CREAT | O_EXCL);
        if (to < 0)
                return to;
        if (ioctl(to, FICLONE, from) < 0)
                r = copy_data(from, to);
        if (r >= 0 && fsync(to) < 0)
                r = -errno;
        if (r < 0) {
                (void) unlinkat(target.dir_fd, target.name, 0);
                return storage_fail(ret_error, r, "Failed to copy an encrypted volume: %m");
        }
        return 0;
}

/* One that is about to be closed keeps its file until then. */
static int file_remove(const Storage *s, int layer_fd, const char *id, char **ret_error) {
        _cleanup_(file_done) File f = FILE_NONE;
        int r;

        r = file_find(s, layer_fd, id, &f, ret_error);
        return r >= 0 && unlinkat(f.dir_fd, f.name, 0) < 0 ? -errno : r;
}

static int file_usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes) {
        _cleanup_(file_done) File f = FILE_NONE;
        _cleanup_free_ char *error = NULL;
        struct stat st;
        int r;

        r = file_find(s, layer_fd, id, &f, &error);
        if (r >= 0 && fstatat(f.dir_fd, f.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        if (r >= 0)
                *ret_bytes = (uint64_t) st.st_blocks * 512;
        return r;
}

static int file_enlarge(const Storage *s, int layer_fd, const char *id, uint64_t bytes, char **ret_error) {
        off_t size = (off_t) (bytes & ~(SIZE_UNIT - 1));
        _cleanup_(file_done) File f = FILE_NONE;
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        r = file_find(s, layer_fd, id, &f, ret_error);
        if (r < 0)
                return r;
        fd = file_open_flags(&f, O_RDWR);
        if (fd < 0)
                return fd;
        return fstat(fd, &st) < 0 || (st.st_size < size && ftruncate(fd, size) < 0) ? -errno : 0;
}

static const LuksPlace place_file = {
        .check = file_check,
        .make = file_make,
        .open = file_open,
        .copy = file_copy,
        .remove = file_remove,
        .usage = file_usage,
        .enlarge = file_enlarge,
};

/* --- a thin volume --- */

static int thin_check(const Storage *s, char **ret_error) {
        if (s->path)
                return storage_fail(ret_error, EINVAL, "The store '%s' names both a directory and a volume group; its file can say one of Path= and VolumeGroup=.", s->name);
        return thin_pool_check(s, ret_error);
}

static int thin_setup(Storage *s, uint64_t size, char **ret_error) {
        return s->path ? thin_check(s, ret_error) : thin_pool_setup(s, size, ret_error);
}

static const LuksPlace place_thin = {
        .check = thin_check,
        .space = thin_pool_space,
        .setup = thin_setup,
        .make = thin_volume_make,
        .open = thin_volume_open,
        .copy = thin_volume_copy,
        .remove = thin_volume_remove,
        .usage = thin_volume_usage,
        .enlarge = thin_volume_enlarge,
};

const LuksPlace *luks_place(const Storage *s) {
        return s->group ? &place_thin : &place_file;
}
