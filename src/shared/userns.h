/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* User namespaces and their maps. */

typedef struct UidRange {
        uint32_t inside, outside, size; /* ids inside…inside+size-1 are outside… */
} UidRange;

/* Writes the same map for uids and gids. The caller is in the parent of the new namespace (user_namespaces(7)) and has its CAP_SETUID, CAP_SETGID. */
int userns_write_maps(pid_t pid, const UidRange *ranges, size_t n_ranges);

/* A user namespace that nobody lives in, for idmapped mounts. */
int userns_open_map(const UidRange *ranges, size_t n_ranges, int *ret_fd);
int userns_open_maps(const UidRange *uids, size_t n_uids, const UidRange *gids, size_t n_gids, int *ret_fd);

/* Takes the calling single-threaded process into a new user namespace, with all capabilities there and whatever ids the map gives it. proc_fd is
 * a /proc, which need not be mounted any more. */
int userns_enter_new(int proc_fd, const UidRange *ranges, size_t n_ranges);

/* The ids 0 of the current user namespace, no groups. */
int userns_become_root(void);
