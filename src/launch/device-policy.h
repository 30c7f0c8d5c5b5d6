/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* Which device nodes may be opened in a privileged container: DevicePolicy= and DeviceAllow= of its scope, a program of PID 1's in the kernel. Others
 * need none: in a user namespace nobody makes a node, and one that is lent is open by its mode alone. */

typedef struct DevicePolicy DevicePolicy;

int device_policy_new(sd_bus *bus, const char *container, DevicePolicy **ret);
DevicePolicy *device_policy_free(DevicePolicy *p);
DEFINE_CLEANUP(DevicePolicy *, device_policy_free)

/* For the call that makes the scope: what every container has. */
int device_policy_append(sd_bus_message *m);

/* -EOPNOTSUPP: PID 1 has put no such program on it, because the kernel or whatever it runs in does not let it. */
int device_policy_check(int cgroup_fd);

/* Wait for PID 1's answer. What is allowed twice must be forbidden twice. p may be NULL: there is no policy. On failure *ret_error is the end of a
 * sentence. */
int device_policy_allow(DevicePolicy *p, mode_t type, dev_t device, char **ret_error);
int device_policy_forbid(DevicePolicy *p, mode_t type, dev_t device, char **ret_error);
