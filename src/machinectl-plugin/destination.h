/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* A file of the caller's that is being written: under its name only when it is complete. What is no regular file (a device, a FIFO) is
 * written to directly. */

typedef struct Destination {
        int fd;            /* owned: write here */
        char *path;        /* owned */
        char *temporary;   /* owned: NULL when written directly */
        bool replace;
} Destination;

#define DESTINATION_NONE ((Destination) { .fd = -EBADF })

int destination_open(const char *path, bool replace, Destination *ret); /* -EEXIST when it is there and must not be replaced */
int destination_commit(Destination *d);                                 /* the same */
/* Without a commit nothing is left behind. */
void destination_done(Destination *d);
