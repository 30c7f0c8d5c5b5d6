/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* Which ids of the host a container has while it runs: the 65536 that it was given when it was made, or, with IDMapSize= or IDMapBase=, a range that
 * is taken at its start and kept. What is on disk does not depend on it. */

typedef struct IdRange {
        int *lock_fds; /* owned: what other container managers look at, one for each 65536 ids */
        size_t n_lock_fds;
} IdRange;

/* Sets uid_base of the settings to the one that holds. The container is locked. On failure *ret_error is the end of a sentence. */
int id_range_settle(int container_fd, const char *name, Settings *s, char **ret_error);

int id_range_lock(const Settings *s, IdRange *ret, char **ret_error);
void id_range_unlock(IdRange *r);
