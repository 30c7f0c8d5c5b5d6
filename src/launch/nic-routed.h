/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netlink/netlink.h>

#include "settings/device.h"

/* The host's end of an interface with NicType=routed: the guest's gateway, routes to the guest's addresses, and, on Parent=, that the host answers
 * who asks there for these addresses. Routes go with the end, whoever dies; the answers on Parent= are taken back. */

/* Before anything is made: does the host forward what has to go over Parent=? It is never told to: that changes more than this container. */
int nic_routed_check(const Device *d, unsigned *ret_parent_mtu, char **ret_error);
int nic_routed_add(struct nl_sock *host, int index, const char *host_name, const Device *d, char **ret_error);
void nic_routed_remove(struct nl_sock *host, const Device *d);
