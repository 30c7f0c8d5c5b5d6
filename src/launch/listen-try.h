/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Could the host listen there now? PID 1 says why it could not in its journal alone. The address is one of a checked device: "[::1]:80", "@name".
 * -EACCES: a port below 1024, which is not ours to try. */
int listen_try(const char *address, bool datagrams);
