/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/detach.h"

bool detach_feed(Detach *d, const void *data, size_t size, uint64_t now_usec) {
        const unsigned char *p = data;

        for (size_t i = 0; i < size; i++) {
                if (p[i] != DETACH_BYTE) {
                        d->count = 0;
                        continue;
                }
                if (d->count == 0 || now_usec - d->first_usec > DETACH_WITHIN_USEC) {
                        d->first_usec = now_usec;
                        d->count = 1;
                } else
                        d->count++;
                if (d->count >= DETACH_TIMES)
                        return true;
        }
        return false;
}
