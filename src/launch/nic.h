/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/device.h"

/* Network interfaces of a container, by rtnetlink: made, moved, given what they have from the start, taken away. Both network namespaces are
 * held by fd; nothing is done by name in the guest's, where names are the guest's to change. */

typedef struct NicContext {
        const char *container; /* borrowed: its name and UUID, from which names and hardware addresses are made */
        const char *uuid;
        int host_netns_fd;     /* borrowed */
        int guest_netns_fd;    /* borrowed */
} NicContext;

typedef struct Nic {
        char host_name[16];    /* bridged, p2p: of the host's end; physical: what it was called. macvlan: empty */
        int host_index;        /* bridged, p2p; else 0 */
        int guest_index;
        uint8_t old_mac[6];    /* physical */
} Nic;

/* On failure nothing of it stays, and *ret_error is the end of a sentence: "the host has no interface 'br1'". */
int nic_add(const NicContext *c, const Device *d, Nic *ret, char **ret_error);
/* Takes a running container's interface away; a physical one goes back to the host. */
int nic_remove(const NicContext *c, const Device *d, const Nic *nic, char **ret_error);

/* For tests: the host end's name and the hardware addresses. */
void nic_host_name(const char *container, const char *device, char ret[static 16]);
void nic_mac(const char *uuid, const char *device, uint8_t ret[static 6]);
