/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netlink/netlink.h>

#include "settings/device.h"

/* What an interface has from the start: IPv4Address= and so on, for guests without a network manager. socket is of the guest's namespace. */
int nic_configure_addresses(struct nl_sock *socket, int index, const Device *d, char **ret_error);
/* One of them, "10.0.0.5/24". < 0: of libnl. */
int nic_add_address(struct nl_sock *socket, int index, const char *text, unsigned flags);
/* To all of a network that is there itself; -NLE_EXIST: it is elsewhere already. */
int nic_add_direct_route(struct nl_sock *socket, int index, const char *to);
/* Of the host's: it is never a guest that tells the host where its packets go. */
void nic_refuse_routers(const char *interface);
/* A host that forwards does not hear routers any more and forgets the routes that it has from them, unless its interfaces are told to go on
 * (Documentation/networking/ip-sysctl.rst of the kernel). Before forwarding begins. */
void nic_keep_hosts_routers(void);
