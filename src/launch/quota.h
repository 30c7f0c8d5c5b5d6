/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* How much a container's own layer may hold: a project quota of ext4 or xfs. The project's number is the container's UIDBase=, which no other container
 * of the host has. What is made in a directory of a project is of the project, too, and nobody in a user namespace can change that. */

/* At every start, whether there is a limit or not, so that one that comes while it runs has all of the layer. -EOPNOTSUPP, -ENOTTY: the file
 * system has no projects. */
int quota_join(int layer_fd, uint32_t project);
/* 0: no limit. On failure *ret_error is the end of a sentence. */
int quota_set(int layer_fd, uint32_t project, uint64_t size_bytes, char **ret_error);
