/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

/* A container that runs is told that its settings have changed: its supervisor reads them again, gives what can be changed to the running
 * scope, and says what cannot. keys: what was changed on purpose, NULL: whatever is different now. Adds the names of the settings that take
 * effect at the next start to *next_start. 0 when it does not run. -EKEYREJECTED: it was refused. Fails with a sentence. */
int live_apply(Job *j, const char *name, char *const *keys, char ***next_start);

/* The keys of a request's "setting" and "unset" fields. */
int live_keys(Job *j, char ***ret);

/* Has all its processes stand still, until the fd is released or closed. Fails with a sentence. */
int live_hold(Job *j, const char *name, int *ret_fd);
/* Lets them go on; does not wait for it. */
void live_release(int fd);
/* Waits until they do, for RELEASE_TIMEOUT_MSEC at most, and closes the fd. */
void live_await_release(int fd);
/* Nobody has let it go on in between; also for a lock, which nobody can. */
int live_still_held(Job *j, const char *name, int fd);
