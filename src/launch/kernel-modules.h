/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

/* KernelModules=: PID 1 loads them on the host, by modprobe@NAME.service, before the container starts. On failure *ret_error is the end of a
 * sentence that names the module. */
int kernel_modules_load(sd_bus *bus, char *const *names, char **ret_error);
