/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* Writes files into a container's tree, as the container's own root and never out of it. */

/* Replaces what is in the file, which keeps its owner and mode; a new one gets the mode, its directories 0755. -EBADMSG: it is no regular file. */
int guest_file_write(int root_fd, const char *path, const void *data, size_t size, mode_t mode);
