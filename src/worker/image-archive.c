/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/image-archive.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/image-archive.h"

const char *image_archive_kind(const uint8_t *data, size_t size) {
        static const struct {
                const char *kind;
                uint8_t magic[IMAGE_ARCHIVE_MAGIC_MAX];
                size_t size;
        } kinds[] = {
                { "tar.gz",   { 0x1f, 0x8b }, 2 },
                { "tar.xz",   { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6 },
                { "tar.zst",  { 0x28, 0xb5, 0x2f, 0xfd }, 4 },
                { "tar.bz2",  { 'B', 'Z', 'h' }, 3 },
                { "squashfs", { 'h', 's', 'q', 's' }, 4 },
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (size >= kinds[i].size && memcmp(data, kinds[i].magic, kinds[i].size) == 0)
                        return kinds[i].kind;
        return "tar";
}

int image_archive_begin(Job *j, int image_fd, size_t i, UnpackInput *input, int *ret_fd) {
        _cleanup_close_ int fd = openat(image_fd, image_archive_file(i), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        struct stat st;

        if (fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make a file for the archive: %m");
        /* Where files can share their blocks it costs nothing, and what is read is what is kept, whoever writes to the caller's file. */
        if (input->is_file && ioctl(fd, FICLONE, input->fd) >= 0 && fstat(fd, &st) >= 0) {
                input->fd = fd;
                input->cloned = true;
                input->size = (uint64_t) st.st_size;
        } else
                input->keep_fd = fd;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
