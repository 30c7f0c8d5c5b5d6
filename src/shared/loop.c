/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/loop.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "basic/fd.h"

#define ATTEMPTS 64

int loop_attach(int fd, bool read_only, char *ret_path, size_t size, int *ret_fd) {
        struct loop_config config = {
                .fd = (uint32_t) fd,
                .info.lo_flags = LO_FLAGS_AUTOCLEAR | (read_only ? LO_FLAGS_READ_ONLY : 0U),
        };
        _cleanup_close_ int control = -EBADF;

        control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
        if (control < 0)
                return -errno;
        /* Whoever asks at the same time is told the same number. */
        for (unsigned i = 0; i < ATTEMPTS; i++) {
                _cleanup_close_ int loop = -EBADF;
                int number;

                number = ioctl(control, LOOP_CTL_GET_FREE);
                if (number < 0)
                        return -errno;
                snprintf(ret_path, size, "/dev/loop%d", number);
                loop = open(ret_path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
                if (loop < 0)
                        return -errno;
                if (ioctl(loop, LOOP_CONFIGURE, &config) >= 0) {
                        *ret_fd = TAKE_FD(loop);
                        return 0;
                }
                if (errno != EBUSY)
                        return -errno;
        }
        return -EBUSY;
}
