/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/socket.h>

#include "basic/macro.h"

/* How near an address is. A server is never believed when it sends somebody on to what is nearer than itself: only from here can that be
 * reached, and what answers there may trust whoever asks from here. */

typedef enum AddressReach {
        ADDRESS_PUBLIC,
        ADDRESS_PRIVATE,    /* RFC 1918, 4193, 6598 */
        ADDRESS_LINK_LOCAL, /* cloud providers' metadata, among others */
        ADDRESS_LOOPBACK,
        ADDRESS_NO_HOST,    /* multicast, broadcast, reserved, no IP at all: never */
} AddressReach;

AddressReach address_reach(const struct sockaddr *sa, socklen_t size);
/* "on this host", "in a private network" … for sentences */
const char *address_reach_to_string(AddressReach reach);
