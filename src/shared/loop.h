/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* A loop device of the open file fd, which goes when nothing uses it any more. *ret_fd keeps it until it is mounted. */
int loop_attach(int fd, bool read_only, char *ret_path, size_t size, int *ret_fd);
