/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "basic/macro.h"

/* Which container has which 65536 ids of the host: uid-leases/BASE -> NAME below the state directory. A lease is a symlink because
 * making one is atomic and exclusive. */

/* Inside another container all have the one range that there is (foreign-range.h), and nothing is leased.
 *
 * Takes a range in CONTAINER_UID_MIN…CONTAINER_UID_MAX that nobody else has: no lease, no user or group of the host, no range of
 * subuid(5), no running systemd-nspawn. A name gets the same range again when it is free. -ENOSPC: no range is free. */
int uid_lease_acquire(int state_fd, const char *name, uint32_t *ret_base);

/* A range of its own beside that first one, for a container that wants more ids, or certain ones: as many leases as it is long, under the name
 * with a '+'. base 0: any. -EADDRINUSE: somebody has some of what base asks for. */
int uid_lease_acquire_further(int state_fd, const char *name, uint32_t base, uint32_t size, uint32_t *ret_base);
bool uid_lease_has_further(int state_fd, const char *name, uint32_t base, uint32_t size);
int uid_lease_release_further(int state_fd, const char *name, uint32_t base, uint32_t size);

/* The further range that a container has, by its own word: a file in its directory. 0 ids: none. */
#define UID_RANGE_FILE "uid-range"
int uid_range_read(int container_fd, uint32_t *ret_base, uint32_t *ret_size);

/* Gives back base, when it is name's; with base 0 every range that name has. Asked for by number a lease that a new container of the same name
 * has just taken stays. */
int uid_lease_release(int state_fd, const char *name, uint32_t base);

/* The ranges that a container has are in its new name from now on; size 0: it has no further one. */
int uid_lease_rename(int state_fd, uint32_t base, uint32_t further_base, uint32_t further_size, const char *new_name);
/* Whoever was killed between the two steps of a renaming has left a container whose range is in a name that nobody has. -EEXIST: somebody has it. */
int uid_lease_repair(int state_fd, uint32_t base, const char *name);

/* Held (a shared lock on uid-leases/) from before the lease is taken until there is a container of that name, so that the lease is not
 * collected as one that nobody has. Returns an fd. */
int uid_lease_hold(int state_fd);

/* Removes leases of containers that are not there, or that by their own word (uid_base_of returns 0 or < 0 when it cannot tell)
 * have another range. Does nothing while somebody holds. */
int uid_lease_collect(int state_fd, int64_t (*uid_base_of)(int state_fd, const char *name));
