/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* The filter that makes a container's calls wait for its supervisor. It looks at numbers only, the kernel's copies of registers; what it lets pass
 * is still subject to the other filter, and where that says no, nobody is asked. */

bool intercept_is_wanted(const Settings *s);

/* For the calling process and its children; needs CAP_SYS_ADMIN of the own user namespace. The listener, close-on-exec, or -errno. */
int intercept_filter_apply(const Settings *s);

/* The device numbers, as mknod(2) takes them, that are lent. */
const char *intercept_node_name(uint32_t device); /* name below /dev; NULL: none of these */
