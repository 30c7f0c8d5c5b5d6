/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "shared/message.h"

/* The control socket /run/berth/NAME/control: takes connections of the host's root, reads the one request of each and hands the connection to
 * who answers it (docs/ARCHITECTURE.md has the requests). */

#define CONTROL_PENDING_MAX 64U /* connections whose request has not come yet */

typedef struct Control Control;

/* Takes connection_fd in every case. */
typedef void (*ControlHandler)(int connection_fd, Message *request, void *userdata);

int control_new(sd_event *event, const char *path, ControlHandler handler, void *userdata, Control **ret);
Control *control_free(Control *c);
DEFINE_CLEANUP(Control *, control_free)
