/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* How a process gets its label. Which one that is: shared/apparmor.h. */

/* The calling process's own, to be written to later: a /proc that a guest has put over its own leads anywhere (CVE-2015-1334), so it is opened
 * before the container is entered. It is for the process that opens it alone, not for its children. -EOPNOTSUPP: the kernel has no AppArmor. */
int apparmor_open(void);

/* The caller becomes this, at once and for good. -ENOENT: a profile or a namespace in it is not loaded. */
int apparmor_change(int fd, const char *label);

/* Is it what the process has? -ESTALE: no, and *ret_label is what it has. */
int apparmor_verify(pid_t pid, const char *label, char **ret_label);
