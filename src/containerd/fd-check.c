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

int fd_check_array(sd_bus_message *m, size_t max, Message *request, size_t *ret_n, sd_bus_error *error) {
        size_t n = 0;
        int fd, r;

        r = sd_bus_message_enter_container(m, 'a', "h");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(m, "h", &fd)) > 0) {
                if (++n > max)
                        break;
                r = fd_check(fd, error);
                if (r >= 0)
                        r = message_add_fd(request, fd);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        *ret_n = n;
        return 0;
}
