/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Owner, mode, ACLs, other extended attributes and times of one directory as those of another; not what overlayfs notes in it for itself. */
int file_attributes_copy(int from_fd, int to_fd);
