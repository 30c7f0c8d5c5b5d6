/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"
#include "worker/job.h"

/* What a container that is encrypted and does not run has written can be looked at for as long as *ret_fd is open, by this process and those it starts: with
 * the request's key ("key": which of its fds), or the one in KeyFile=. Negative: nothing to open. Fails with a sentence, FAILURE_KEY_NEEDED when there is no key. */
int container_unlock(Job *j, const char *name, const Settings *s, int *ret_fd);
