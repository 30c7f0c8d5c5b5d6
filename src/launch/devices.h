/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/lent-context.h"
#include "settings/device.h"

/* The devices that a container has been given, and the difference between these and those that it should have. What a type of device does when
 * it comes and goes is one row of the table in devices.c. */

typedef struct Lent Lent;

/* Holds the network namespace of the payload, whose pid is given. */
int lent_new(const LentContext *c, pid_t leader, Lent **ret);
/* Interfaces that are the host's go back; the rest goes with the container's namespaces. */
Lent *lent_free(Lent *l);
DEFINE_CLEANUP(Lent *, lent_free)

/* Before the payload is executed: interfaces, which need its network namespace only; then the rest. On failure *ret_error is a sentence that names
 * the device. */
int lent_add_interfaces(Lent *l, const Devices *wanted, char **ret_error);
int lent_add_rest(Lent *l, const Devices *wanted, char **ret_error);

/* While it runs: what is not wanted any more, or not as it was, goes; then what is new comes. */
int lent_change(Lent *l, const Devices *wanted, char **ret_error);

/* The host's ends, for machined. */
size_t lent_host_indices(const Lent *l, int32_t ret[static DEVICES_MAX]);
