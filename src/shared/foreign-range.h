/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "basic/macro.h"

/* To which ids belongs what berth has on disk, and can file systems be mounted with others? On a host of its own both are as names.h says. In a
 * user namespace, which a container is, the foreign range is not mapped and the kernel mounts a file system with other ids only for those who own
 * it (can_idmap_mount()), which the container does not. So there another range takes its place, and it is the one of all containers, too: what
 * is on disk is then theirs as it is. All is read from /proc/self/uid_map, once, by whoever asks first: before it enters another namespace. */

/* The first of UID_RANGE_SIZE ids. 0: there is none; foreign_range_explain() says why. */
uint32_t foreign_uid_base(void);

/* No idmapped mounts: the ids on disk are those of the containers. */
bool foreign_range_is_shared(void);

/* Are all of these ids there, in our own user namespace? */
bool ids_are_mapped(uint32_t first, uint32_t count);

/* A sentence for people, when foreign_uid_base() is 0. */
extern const char foreign_range_explanation[];
