/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* The payload's namespaces, held by fd from the start on: entering them later asks nothing of its first process, which may be unreadable to us
 * by then (the stub init is not dumpable) or have moved to others. */

#define NAMESPACES_MAX 6U
#define NAMESPACE_USER 0U
#define NAMESPACE_MOUNT 1U

typedef struct Namespaces {
        int fds[NAMESPACES_MAX]; /* owned */
} Namespaces;

#define NAMESPACES_NONE { .fds = { -EBADF, -EBADF, -EBADF, -EBADF, -EBADF, -EBADF } }

int namespaces_open(pid_t pid, Namespaces *ret);
void namespaces_done(Namespaces *n);

/* All but the pid namespace, which decides about children only; the caller is without ids there until it takes some. */
int namespaces_enter(const Namespaces *n);
