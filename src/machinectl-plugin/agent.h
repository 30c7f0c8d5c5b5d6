/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* polkit's agent for terminals, pkttyagent(1), runs beside us while the manager may have to ask for a password; a desktop's own agent
 * goes before it. Not having one is no failure: the manager says what was refused. */

void agent_start(Ctl *c);
void agent_stop(Ctl *c);
