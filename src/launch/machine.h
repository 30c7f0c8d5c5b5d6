/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

/* The container at systemd-machined (org.freedesktop.machine1(5)). It is registered once its scope is there: machined takes the unit from
 * the leader's cgroup. */

/* -EEXIST with a sentence: another machine has the name. Other failures mean that machined cannot be reached. */
int machine_register(sd_bus *bus, const char *name, const char *uuid, pid_t leader, const int32_t *indices, size_t n_indices, char **ret_error);

/* At once rather than when machined notices, so that the name is free for the next start. */
void machine_unregister(sd_bus *bus, const char *name);
