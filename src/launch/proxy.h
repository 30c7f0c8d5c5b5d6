/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/lent-context.h"
#include "settings/device.h"

/* An address of the host that leads into a container, or the other way round: a transient socket unit of PID 1's, and a service that carries what comes.
 * Both are bound to the container's scope: they end with it, whoever dies first. proxy.c says who does what. */

/* netns_fd: of the container, held by us for as long as the device is there. On failure *ret_error is the end of a sentence. */
int proxy_add(const LentContext *c, int netns_fd, const Device *d, char **ret_error);
int proxy_remove(const LentContext *c, const Device *d, char **ret_error);
