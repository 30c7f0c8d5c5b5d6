/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <errno.h>

/* The moments in a container's life at which programs of the administrator's run; START is the container's own. */

typedef enum HookType {
        HOOK_PRE_START,  /* on the host, before anything is made */
        HOOK_PRE_MOUNT,  /* in the container's mount namespace, before its root is there */
        HOOK_MOUNT,      /* in the same, when all is mounted and nothing of the guest has run */
        HOOK_START_HOST, /* on the host, right before the payload's program is executed */
        HOOK_START,      /* in the container, confined as the payload, right before it */
        HOOK_STOP,       /* on the host, before the payload is asked to stop */
        HOOK_POST_STOP,  /* on the host, when nothing of it is left */
        HOOK_CLONE,      /* on the host, when a copy has been made and is not there for anybody yet; of the copy */
        HOOK_DELETE,     /* on the host, before it is deleted */
        _HOOK_TYPE_MAX,
        _HOOK_TYPE_INVALID = -EINVAL,
} HookType;

const char *hook_type_to_string(HookType t);
HookType hook_type_from_string(const char *s);
