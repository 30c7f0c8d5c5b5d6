/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/ext4.h"

#include <endian.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "storage/device-mapper.h"

#define FS_BLOCK UINT64_C(4096)
#define EXT4_SUPERBLOCK 1024
/* of linux/ext4.h, which older kernels do not export */
#define EXT4_IOC_RESIZE_FS _IOW('f', 16, uint64_t)

/* How many blocks the file system has, as its superblock says, which the kernel keeps in the device's pages. */
static int count_blocks(int device_fd, uint64_t *ret) {
        uint32_t low, high;

        if (pread(device_fd, &low, sizeof low, EXT4_SUPERBLOCK + 0x4) != sizeof low || pread(device_fd, &high, sizeof high, EXT4_SUPERBLOCK + 0x150) != sizeof high)
                return -EIO;
        *ret = (uint64_t) le32toh(high) << 32 | le32toh(low);
        return 0;
}

int ext4_grow(int mount_fd) {
        _cleanup_close_ int root = -EBADF, device = -EBADF;
        uint64_t bytes, blocks, there;
        char node[DM_PATH_MAX];
        struct stat st;
        int r;

        root = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0 || fstat(root, &st) < 0)
                return -errno;
        dm_path(st.st_dev, node);
        device = open(node, O_RDONLY | O_CLOEXEC);
        if (device < 0 || ioctl(device, BLKGETSIZE64, &bytes) < 0)
                return -errno;
        r = count_blocks(device, &there);
        if (r < 0)
                return r;
        blocks = bytes / FS_BLOCK;
        return blocks > there && ioctl(root, EXT4_IOC_RESIZE_FS, &blocks) < 0 ? -errno : 0;
}
