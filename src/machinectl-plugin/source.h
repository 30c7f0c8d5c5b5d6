/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>

#include "basic/macro.h"

/* What a user names to be read: a file, or "-" for standard input. It is opened here, with the caller's rights. berth's jobs take regular
 * files and pipes only, so that nothing behind an fd can act on them; anything else (a socket as ssh(1) and inetd give, a device such as
 * /dev/null) comes through a pipe that cat(1) fills. */
typedef struct Source {
        int fd;          /* owned: a regular file, a pipe, or a directory */
        pid_t relay;     /* cat(1), or 0 */
        struct stat st;  /* of what was named */
} Source;

#define SOURCE_NONE { .fd = -EBADF }

/* what: "file" or "archive", for messages. Failure has been reported. */
int source_open(const char *name, const char *what, Source *ret);
void source_done(Source *s);
