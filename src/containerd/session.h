/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"
#include "shared/message.h"

/* Something a caller talks with inside a container: a command, or the console. The manager only makes the connection to the
 * supervisor and hands it over; no byte of a session passes through it. */

typedef void (*SessionDone)(void *userdata, int fd, const sd_bus_error *error); /* fd is borrowed */

/* In a container that runs; at once. */
int session_open(Container *c, const Message *request, int *ret_fd, sd_bus_error *error);

/* In one that does not: a supervisor is started for this session, by the name of the run-in unit, and ends with it. Takes the request over
 * when it succeeds. */
int session_run_in(Container *c, Message *request, SessionDone done, void *userdata, sd_bus_error *error);
