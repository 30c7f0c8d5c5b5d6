/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "proxy/address.h"

/* Streams: each connection to the listening socket gets one to the address, and what comes on one goes to the other until both have ended. */

/* Until the event loop ends; at_leisure: it ends it when there was no connection for a while (PID 1 listens on then). */
int stream_serve(sd_event *event, int listen_fd, const Address *to, bool at_leisure);
