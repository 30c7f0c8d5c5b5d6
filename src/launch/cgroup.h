/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* The payload's delegated cgroup, a directory that PID 1 made for its scope. */

/* Opens the cgroup that pid is in (O_DIRECTORY). */
int cgroup_open_of(pid_t pid, int *ret_fd);

/* Limits how many cgroups there may be below, and how deep: each is memory of the kernel's, and time for whoever walks the tree. */
int cgroup_limit(int cgroup_fd, int descendants, int depth);

/* Gives the files that the kernel lists in /sys/kernel/cgroup/delegate, and the directory, to uid:gid. What limits the container (memory.max
 * and the like) stays root's (cgroups(7), "Cgroups delegation"). */
int cgroup_delegate(int cgroup_fd, uint32_t uid);

/* A leaf in it for processes that come from outside (exec). The container's root cannot have them in the root of its tree, where "no internal
 * processes" would keep it from enabling controllers; the leaf stays the host's, the guest may move processes out of it as it likes. */
int cgroup_make_leaf(int cgroup_fd, int *ret_fd);

/* For a privileged container: a cgroup below, with all controllers and pid in it, to be the root of the container's tree. Whose root is the host's can
 * write to the limits at the root of his tree, unless the host has mounted its tree with nsdelegate; lxcfs, for one, takes that option away. */
int cgroup_make_payload(int cgroup_fd, pid_t pid, int *ret_fd);
