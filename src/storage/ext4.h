/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* The file system of a volume that is a device of the device-mapper: ext4 with blocks of 4096 bytes. */

/* Up to the size of the device, which is larger when the volume was enlarged; nothing to do is no error. While it is mounted, and by the kernel, which wants
 * CAP_SYS_RESOURCE for it. */
int ext4_grow(int mount_fd);
