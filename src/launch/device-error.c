/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/device-error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "launch/guest-mount.h"

int device_error(char **ret_error, int error, const char *what, const char *path) {
        int r;

        if (error == -ETIMEDOUT)
                r = asprintf(ret_error, "cannot %s '%s': it did not come to an end in %d s", what, path, GUEST_MOUNT_TIMEOUT_MSEC / 1000);
        else
                r = asprintf(ret_error, "cannot %s '%s': %s", what, path, strerror(-error));
        if (r < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return error;
}
