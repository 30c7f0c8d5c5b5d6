/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "containerd/manager.h"
#include "shared/message.h"

/* The manager's end of a supervisor's control socket. Connecting and sending never wait: a supervisor that does not listen, or whose
 * queue is full, is an error at once. */

/* Sends the request; what comes back on *ret_fd belongs to who gets it. On failure error is set. */
int control_open(const char *name, const Message *request, int *ret_fd, sd_bus_error *error);

/* Sends the request and waits, asynchronously, for `event=done` or `event=error`. */
int control_request(Manager *m, const char *name, const Message *request, Done done, void *userdata, sd_bus_error *error);

/* The same for an answer that says more; it is NULL when error is not. */
typedef void (*ControlAnswered)(void *userdata, const Message *answer, const sd_bus_error *error);
int control_ask(Manager *m, const char *name, const Message *request, ControlAnswered answered, void *userdata, sd_bus_error *error);
