/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "settings/hook-type.h"
#include "settings/settings.h"

/* Runs hooks: the executables in /usr/lib/berth/hooks/TYPE.d, /etc/berth/hooks/TYPE.d and /etc/berth/containers/NAME.hooks/TYPE.d, in this order and
 * by name, then the commands of the settings. Those of HOOK_START come from the settings alone: they are programs of the container. */

typedef struct HookContext {
        const char *name;         /* of the container; borrowed, as all of it */
        const Settings *settings;
        pid_t leader;             /* 0: none. A hook does not outlive it, and is its own only in HOOK_START */
        const char *rootfs;       /* NULL: none */
        const char *target;       /* of HOOK_STOP and HOOK_POST_STOP: stop, reboot */
        int mount_namespace_fd;   /* where it runs; negative: where we are */
        char *const *environment; /* more than what is documented */
        bool until_stopped;       /* SIGTERM or SIGINT, which the caller has blocked, ends it: -ECANCELED */
        bool apart;               /* in a unit of its own, out of the caller's sandbox */
} HookContext;

bool hooks_exist(HookType type, const char *name, const Settings *s);

/* One after the other until one fails; its output goes to the log. On failure *ret_error names it and ends with its last line. */
int hooks_run(HookType type, const HookContext *c, char **ret_error);
