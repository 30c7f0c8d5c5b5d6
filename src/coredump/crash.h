/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "shared/names.h"

/* A process that crashed, as the kernel tells of it to the program that kernel.core_pattern names (core(5)). */

typedef enum CrashArgument {
        CRASH_PID,       /* %P, as the host counts */
        CRASH_UID,       /* %u, as the host counts */
        CRASH_GID,       /* %g */
        CRASH_SIGNAL,    /* %s */
        CRASH_TIMESTAMP, /* %t */
        CRASH_RLIMIT,    /* %c */
        CRASH_HOSTNAME,  /* %h */
        _CRASH_ARGUMENT_MAX,
} CrashArgument;

typedef struct Crash {
        const char *const *arguments;               /* borrowed, _CRASH_ARGUMENT_MAX of them, perhaps more */
        pid_t pid;
        int proc_fd;                                /* owned: its /proc/PID */
        char container[CONTAINER_NAME_MAX + 1];     /* "" for a process of the host */
} Crash;

#define CRASH_NONE { .proc_fd = -EBADF }

int crash_read(const char *const *arguments, Crash *ret);
void crash_done(Crash *c);

#define CRASH_DEADLINE_SEC 60U /* for who serves the socket inside */

/* Which container is a process with this /proc/PID/cgroup in? Returns false for none. */
bool crash_find_container(const char *cgroup, char ret[static CONTAINER_NAME_MAX + 1]);

/* Gives the dump, a file to be read, to the container's own systemd-coredump. -ECONNREFUSED, -ENOENT: it has none. */
int crash_forward(const Crash *c, int dump_fd);
