/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* Exec, console and run-in on the bus: decodes a call into a request for the supervisor. */

int session_bus_exec(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int session_bus_console(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int session_bus_run_in(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
