/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/supervisor.h"
#include "settings/hook-type.h"

/* The supervisor's side of hooks (shared/hook.h): which of them there are, where they run, and what their failure means. Those before the
 * payload's program runs stop the start; the others are only logged. */

/* Which hooks the container has, as it starts: 1 << HookType. */
unsigned supervisor_find_hooks(const Supervisor *s);

/* Runs those that s->hooks says there are. HOOK_PRE_MOUNT and HOOK_MOUNT run in the mount namespace of the payload, which waits. */
int supervisor_run_hook(Supervisor *s, HookType type, char **ret_error);
/* For a start: tells the failure. */
int supervisor_start_hook(Supervisor *s, HookType type);
/* For all that comes later. */
void supervisor_late_hook(Supervisor *s, HookType type);
