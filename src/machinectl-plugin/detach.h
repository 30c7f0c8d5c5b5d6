/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* ^] three times within a second leaves a console or shell, as in machinectl. What is typed goes to the container, the first two of them
 * too: nothing is held back. */

#define DETACH_BYTE 0x1d
#define DETACH_TIMES 3U
#define DETACH_WITHIN_USEC USEC_PER_SEC

typedef struct Detach {
        uint64_t first_usec; /* of the run of bytes that is being counted */
        unsigned count;
} Detach;

/* True when the bytes end, or complete, the sequence. */
bool detach_feed(Detach *d, const void *data, size_t size, uint64_t now_usec);
