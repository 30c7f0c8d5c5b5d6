/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netlink/netlink.h>

#include "basic/macro.h"

/* berthbr0, the bridge that containers are ports of when nothing else is said. It is made when the first container wants it, with a subnet that
 * is free then and stays the same. systemd-networkd gives it its addresses, DHCP, router advertisements and NAT; a bridge of that name that is
 * there already is used as it is. */

#define BRIDGE_DEFAULT "berthbr0"

/* Makes it when it is not there. socket is of the host's namespace. */
int bridge_need(struct nl_sock *socket, char **ret_error);

/* For tests: is a network, such as 10.1.2.0/24, apart from all of these? Both in host byte order. */
typedef struct BridgeNetwork {
        uint32_t address;
        unsigned prefix;
} BridgeNetwork;

bool bridge_network_is_free(BridgeNetwork wanted, const BridgeNetwork *used, size_t n_used);
/* The first that is free, beginning at a place that seed chooses. -ENOSPC. */
int bridge_choose_network(uint64_t seed, const BridgeNetwork *used, size_t n_used, BridgeNetwork *ret);
