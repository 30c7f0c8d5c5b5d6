/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"
#include "shared/message.h"

/* A caller's fd goes on to a worker or into a container: it must be one for reading or writing. A directory, or an fd that only names a
 * file (O_PATH), would be a way to the host's files from inside. */
int fd_check(int fd, sd_bus_error *error);

/* Reads `ah` from the call and adds each fd, checked, to the request, but stops after max + 1 of them. *ret_n: how many there were. */
int fd_check_array(sd_bus_message *m, size_t max, Message *request, size_t *ret_n, sd_bus_error *error);
