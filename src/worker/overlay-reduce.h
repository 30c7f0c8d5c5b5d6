/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/snapshot-store.h"

/* After a snapshot in the middle has gone: two layers of which one lies directly on the other wherever either of them is named become one, so that what
 * the upper one hides takes no room. Only those of a container that does not run, and that no other container shares. The layers that have gone are
 * added to *dropped. A failure leaves everything as it was, and is none of the caller's. */
void overlay_reduce(Job *j, HeldContainer *c, int scratch_fd, char ***dropped);
