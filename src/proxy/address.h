/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include "basic/macro.h"

/* "tcp:1.2.3.4:80", "udp:[::1]:53", "unix:/run/x", "unix:@name": as the settings of a device have them, checked there. */

typedef struct Address {
        struct sockaddr_storage storage;
        socklen_t size;
        int type; /* SOCK_STREAM or SOCK_DGRAM */
} Address;

int address_parse(const char *text, Address *ret);
/* A socket that does not wait. -EINPROGRESS is no failure: it is writable when it is known how that ended. */
int address_connect(const Address *a);
