/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"

/* /run/berth/NAME/state: what the supervisor says of a running container, KEY=VALUE lines, replaced atomically. It goes with the
 * unit's RuntimeDirectory=, whoever dies first; who reads it still asks the unit whether it runs. */

typedef struct RuntimeState {
        pid_t leader;             /* the payload's PID 1, as seen from the host */
        uint32_t uid_base;        /* what its root is on the host */
        bool privileged;          /* it has no user namespace of its own */
        uint64_t started_usec;    /* CLOCK_REALTIME, for people only */
        bool ready;
} RuntimeState;

int runtime_state_write(const char *name, const RuntimeState *s);
int runtime_state_read(const char *name, RuntimeState *ret); /* -ENOENT when it does not run */

/* NAME/devices: the names of the devices that it has now, one a line, as the supervisor knows. */
int runtime_devices_write(const char *name, char *const *devices);
int runtime_devices_read(const char *name, char ***ret);

/* NAME/interfaces: where its network traffic is counted: "host NAME" of a host's end, "guest NAME" of what has none. */
int runtime_interfaces_write(const char *name, char *const *interfaces);
int runtime_interfaces_read(const char *name, char ***ret);

int runtime_control_path(const char *name, char **ret);      /* /run/berth/NAME/control */
