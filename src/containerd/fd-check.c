/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/fd-check.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "shared/bus-names.h"

int fd_check(int fd, sd_bus_error *error) {
        struct stat st;
        int flags;

        flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fstat(fd, &st) < 0)
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "A file descriptor of the call cannot be used.");
        if ((flags & O_PATH) || S_ISDIR(st.st_mode) || S_ISBLK(st.st_mode))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                        "A file descriptor of the call is a directory, a block device or a mere path; a file, pipe, socket or terminal is needed.");
        return 0;
}
