/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* A caller's fd goes on to a worker or into a container: it must be one for reading or writing. A directory, or an fd that only names a
 * file (O_PATH), would be a way to the host's files from inside. */
int fd_check(int fd, sd_bus_error *error);
