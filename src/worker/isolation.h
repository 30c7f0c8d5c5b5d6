/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Takes the network and the host's files away from a job that reads what strangers made, for good: all is read-only but the state directory, the runtime
 * directory and the kernel's file systems. hide_homes: nobody's home is there, which is for all but those that are told of a key in one. It is what ProtectSystem=strict,
 * ProtectHome= and PrivateNetwork= would do, for which PID 1 goes through the table of all mounts again and again: 24 ms of a start, which here is one.
 *
 * Only a program with CAP_SYS_ADMIN can do that, and with it could take back what is read-only, whoever has done it. It is for mistakes; what hostile
 * input may take over is in sandboxes of its own (sandbox.h). */
int isolation_enter(bool hide_homes);
