/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "proxy/address.h"

/* Datagrams: each sender gets a socket of its own to the address, so that what comes back on it finds him again, from the address that he has
 * sent to. Who has been silent for a while, or longest when there are too many, is forgotten. */

int datagram_serve(sd_event *event, int listen_fd, const Address *to);
