/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <netlink/netlink.h>

#include "settings/device.h"

/* What an interface has from the start: IPv4Address= and so on, for guests without a network manager. socket is of the guest's namespace. */
int nic_configure_addresses(struct nl_sock *socket, int index, const Device *d, char **ret_error);
