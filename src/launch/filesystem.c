/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/filesystem.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/device-error.h"
#include "shared/loop.h"
#include "shared/mount.h"

/* Compared at fixed places: nothing of a stranger's disk is interpreted here. */
static const struct {
        const char *type;
        off_t offset;
        const char *magic;
} magics[] = {
        { "xfs", 0, "XFSB" },
        { "ext4", 1080, "\x53\xef" },
        { "btrfs", 0x10040, "_BHRfS_M" },
        { "f2fs", 1024, "\x10\x20\xf5\xf2" },
        { "squashfs", 0, "hsqs" },
        { "erofs", 1024, "\xe2\xe1\xf5\xe0" },
        { "exfat", 3, "EXFAT   " },
        { "vfat", 82, "FAT32   " },
        { "vfat", 54, "FAT16   " },
        { "vfat", 54, "FAT12   " },
        { "iso9660", 32769, "CD001" },
        { NULL, 512, "EFI PART" },
        { NULL, 510, "\x55\xaa" },
};

static int find_type(int fd, const char *source, const char **ret, char **ret_error) {
        char data[16];

        for (size_t i = 0; i < ELEMENTSOF(magics); i++) {
                size_t n = strlen(magics[i].magic);

                if (pread(fd, data, n, magics[i].offset) != (ssize_t) n || memcmp(data, magics[i].magic, n) != 0)
                        continue;
                if (!magics[i].type)
                        return asprintf(ret_error, "'%s' has a partition table; name one of its partitions", source) < 0 ? -ENOMEM : -EMEDIUMTYPE;
                *ret = magics[i].type;
                return 0;
        }
        return asprintf(ret_error, "there is no file system that is known on '%s'", source) < 0 ? -ENOMEM : -EMEDIUMTYPE;
}

static int split_options(const Device *d, bool read_only, char ***ret) {
        _cleanup_strv_ char **options = NULL;
        const char *text = d->values[DEVICE_MOUNT_OPTIONS] ?: "";
        int r = 0;

        while (*text && r >= 0) {
                size_t n = strcspn(text, ",");

                r = strv_extendf(&options, "%.*s", (int) n, text);
                text += n + (text[n] == ',');
        }
        if (r >= 0 && read_only)
                r = strv_extend(&options, "ro");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(options);
        return 0;
}

/* Two loop devices on one file are two file systems that write over each other; the lock lasts as long as the loop device holds the file. */
static int lock_image(int fd, bool read_only, const char *source, char **ret_error) {
        if (flock(fd, (read_only ? LOCK_SH : LOCK_EX) | LOCK_NB) >= 0)
                return 0;
        if (errno == EWOULDBLOCK)
                return asprintf(ret_error, "the image '%s' is in use by another container", source) < 0 ? -ENOMEM : -EBUSY;
        return device_error(ret_error, -errno, "lock", source);
}

int filesystem_mount(const Device *d, int source_fd, bool image, int *ret_mount_fd, char **ret_error) {
        const char *source = d->values[DEVICE_SOURCE], *type = d->values[DEVICE_FILE_SYSTEM] ?: "auto";
        bool read_only = device_get_bool(d, DEVICE_READ_ONLY);
        _cleanup_close_ int fd = -EBADF, loop = -EBADF;
        _cleanup_strv_ char **options = NULL;
        char path[64], loop_path[64];
        int r;

        snprintf(path, sizeof path, "/proc/self/fd/%d", source_fd);
        fd = open(path, (read_only || !image ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
                return device_error(ret_error, -errno, "open the host's", source);
        if (image) {
                r = lock_image(fd, read_only, source, ret_error);
                if (r < 0)
                        return r;
        }
        if (streq(type, "auto")) {
                r = find_type(fd, source, &type, ret_error);
                if (r < 0)
                        return r;
        }
        r = split_options(d, read_only, &options);
        if (r < 0)
                return r;
        if (image) {
                r = loop_attach(fd, read_only, loop_path, sizeof loop_path, &loop);
                if (r < 0)
                        return device_error(ret_error, r, "make a loop device of", source);
        }
        r = mount_new(type, image ? loop_path : source, options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | (read_only ? MOUNT_ATTR_RDONLY : 0U), ret_mount_fd);
        if (r == -ENODEV)
                return asprintf(ret_error, "the host's kernel knows no file system '%s'", type) < 0 ? -ENOMEM : r;
        return r < 0 ? device_error(ret_error, r, "mount the file system of", source) : 0;
}
