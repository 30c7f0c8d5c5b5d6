/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/device.h"

/* A file system of the host's disks that the kernel mounts for an administrator: of a block device, or of an image through a loop device that goes with
 * its last mount. What it holds is a stranger's: only file systems of a list, never with set-user-id programs or device nodes. Read by the
 * kernel all the same, as any disk that is plugged in. */

/* source_fd: O_PATH. */
int filesystem_mount(const Device *d, int source_fd, bool image, int *ret_mount_fd, char **ret_error);
