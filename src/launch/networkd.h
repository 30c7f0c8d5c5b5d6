/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* systemd-networkd as the keeper of berth's bridge and of nothing else. One that runs is told to read its files again. One that does not is
 * started, but only when that changes nothing else of the host's network: when it has no files but those that come with packages. */

int networkd_bring_in(char **ret_error);
