/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/intercept.h"

/* Who made a call that is served: its memory, and the view that it has of files. All is opened first and the call looked at after that: as long as it
 * waits, its number is nobody else's. */

typedef struct Caller {
        pid_t pid;
        int root_fd, cwd_fd, mount_namespace_fd;  /* owned */
        uid_t uid;                                /* as the host has them: fsuid, fsgid */
        gid_t gid;
        mode_t umask;
        uint64_t capabilities;                    /* effective */
        bool own_user_namespace;                  /* and not that of the container */
} Caller;

#define CALLER_NONE { .root_fd = -EBADF, .cwd_fd = -EBADF, .mount_namespace_fd = -EBADF }

int caller_open(const InterceptCall *c, Caller *ret);
void caller_done(Caller *p);

/* -EFAULT, or -ENAMETOOLONG when there is no end of it in size bytes. */
int caller_read_string(const InterceptCall *c, uint64_t address, char *buffer, size_t size);
int caller_write(const InterceptCall *c, uint64_t address, const void *data, size_t size);

/* The process becomes one that sees what the caller sees, in its mount namespace, root and working directory, with its ids, its capabilities and,
 * to mount, CAP_SYS_ADMIN of the container. It has no way back. */
int caller_become(const InterceptCall *c, Caller *p);
