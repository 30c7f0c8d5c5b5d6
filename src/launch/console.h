/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "basic/macro.h"

/* The container's console: reads the pty's master all the time, so that the payload never blocks on it, keeps the last of it, and relays to
 * whoever is attached. What a slow reader does not take is dropped for that reader only. */

#define CONSOLE_KEEP_BYTES 8192U
#define CONSOLE_CLIENTS_MAX 8U

typedef struct Console Console;

int console_new(sd_event *event, int master_fd, Console **ret); /* takes master_fd */
Console *console_free(Console *c);
DEFINE_CLEANUP(Console *, console_free)

/* A stream socket for a new reader and writer; the kept bytes come first. The connection is taken, unless this fails: "request=resize" is
 * accepted on it until it is closed, which does not end the stream. -EBUSY: too many. */
int console_attach(Console *c, int connection_fd, int *ret_fd);
int console_resize(Console *c, unsigned rows, unsigned columns);

/* The kept bytes, oldest first; for the journal when a payload dies. */
size_t console_kept(const Console *c, char buffer[static CONSOLE_KEEP_BYTES]);
