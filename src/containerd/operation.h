/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* What is done to a container, step after step, none of them waited for. On failure to begin, error is set and done() is not called; otherwise
 * done() is called once, later. */

typedef enum StartUntil {
        START_UNTIL_READY,
        START_UNTIL_PAYLOAD, /* it runs, be it that its system boots yet: commands can be run in it */
} StartUntil;

int operation_start(Container *c, StartUntil until, Done done, void *userdata, sd_bus_error *error);

typedef struct StopOptions {
        bool force;            /* kill at once */
        uint64_t timeout_usec; /* kill after so long; USEC_INFINITY: as the container's settings say */
} StopOptions;

int operation_stop(Container *c, const StopOptions *o, Done done, void *userdata, sd_bus_error *error);
int operation_restart(Container *c, const StopOptions *o, Done done, void *userdata, sd_bus_error *error);
int operation_reboot(Container *c, Done done, void *userdata, sd_bus_error *error);
int operation_kill(Container *c, bool leader, int signal, Done done, void *userdata, sd_bus_error *error);
int operation_freeze(Container *c, bool freeze, Done done, void *userdata, sd_bus_error *error);
int operation_enable(Container *c, bool enable, Done done, void *userdata, sd_bus_error *error);
