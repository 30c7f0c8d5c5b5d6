/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "shared/hook.h"

/* What a hook is told: its environment, and the JSON on its standard input. */

int hook_environment(HookType type, const HookContext *c, char ***ret);
int hook_json(HookType type, const HookContext *c, char **ret);
