/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "settings/settings.h"

/* What the kernel counts by user namespace, and once more for the owner of the outermost one, who is the host's root: namespaces, inotify, fanotify,
 * queued signals, bytes of POSIX message queues. One container gets a part of it, so that it cannot use up what all have. Not for privileged ones, which
 * have no user namespace. What a cgroup limits is not here (cgroup.h), nor what is a process' own (process-limits.h). */

/* The kernel keeps of these two what the creator's soft limit was when it made the namespace: the most for all that is in it. */
#define KERNEL_LIMITS_RLIMITS 2U

typedef struct KernelLimits {
        struct rlimit64 own[KERNEL_LIMITS_RLIMITS];
} KernelLimits;

/* A directory "user" of /proc/sys that can be written to, for kernel_limits_set(). */
int kernel_limits_open(int *ret_fd);
/* In the outer user namespace, where nobody lives and nobody else can change them; needs no maps. */
int kernel_limits_set(int user_fd, const Settings *s);

/* Around the clone of the outer process: the second makes what the first has changed in us as it was. All containers together get less than what the
 * host's root has. */
void kernel_limits_begin(const Settings *s, KernelLimits *ret);
void kernel_limits_end(const KernelLimits *l);
/* Of the outer process, before it makes the container's own user namespace. *ret_name: the setting that could not be applied; static. */
int kernel_limits_give(const KernelLimits *l, const Settings *s, pid_t outer, const char **ret_name);
