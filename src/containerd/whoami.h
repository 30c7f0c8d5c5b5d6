/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/gate.h"

/* WhoAmI: asks polkit about every verb, on the caller's own and on others' things, without a dialog, and says how much of his limits he has used.
 * It decides nothing: the gate asks again when the verb is called. */

typedef struct WhoAmI WhoAmI;

int whoami_bus(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
/* Withdraws all questions that are open. */
void whoami_free_all(Manager *m);
