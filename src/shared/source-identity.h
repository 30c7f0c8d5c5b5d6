/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Which file it is that fd, which may be O_PATH, stands for, in words that are still true after a reboot: its file system, its inode, and when that was
 * made, because the number of an inode is given again. Device numbers are not in it; btrfs and others give new ones at each mount. */
int source_identity(int fd, char **ret);
