/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* The addresses that containers have, as systemd-machined finds them. It is asked about all at once; what it does not answer stays empty. */

typedef struct Addresses {
        char *name;       /* owned */
        char **addresses; /* owned; without those of the link alone */
        unsigned *pending; /* borrowed: how many answers are to come */
} Addresses;

void addresses_query(Ctl *c, Addresses *list, size_t n);
void addresses_free(Addresses *list, size_t n);
