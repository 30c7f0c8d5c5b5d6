/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/device.h"

/* What an interface may send, and how much: rules of nftables at the host's end, where the guest cannot reach. One table an interface, by its name; the
 * rules go with the interface, the empty table, and the one of a priority, with the next start at the latest. */

bool filter_wanted(const Device *d);
/* mac: the only one that MACFiltering= lets out. */
int filter_apply(const char *host_name, const Device *d, const uint8_t mac[static 6], char **ret_error);
/* d NULL: whatever it was of. */
void filter_remove(const char *host_name, const Device *d);
/* Has somebody who was killed left a table of that name? */
bool filter_is_left(const char *host_name);

/* For tests: the text that nft is given. */
int filter_text(const char *host_name, const Device *d, const uint8_t mac[static 6], char **ret);
