/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* The payload's delegated cgroup, a directory that PID 1 made for its scope. */

/* Opens the cgroup that pid is in (O_DIRECTORY). */
int cgroup_open_of(pid_t pid, int *ret_fd);

/* Gives the files that the kernel lists in /sys/kernel/cgroup/delegate, and the directory, to uid:gid. What limits the container (memory.max
 * and the like) stays root's (cgroups(7), "Cgroups delegation"). */
int cgroup_delegate(int cgroup_fd, uint32_t uid);

/* A leaf in it for processes that come from outside (exec). The container's root cannot have them in the root of its tree, where "no internal
 * processes" would keep it from enabling controllers; the leaf stays the host's, the guest may move processes out of it as it likes. */
int cgroup_make_leaf(int cgroup_fd, int *ret_fd);
