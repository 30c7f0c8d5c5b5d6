/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* User namespaces with one range of UID_RANGE_SIZE ids. */

/* Maps ids inside…inside+65535 of the process's new user namespace to outside…; for uids and gids. The caller is root outside. */
int userns_write_maps(pid_t pid, uint32_t inside, uint32_t outside);

/* A user namespace that nobody lives in, for idmapped mounts. */
int userns_open_map(uint32_t inside, uint32_t outside, int *ret_fd);

/* Takes the calling single-threaded process into a new user namespace with that map and makes it root there. */
int userns_enter_new(uint32_t inside, uint32_t outside);
