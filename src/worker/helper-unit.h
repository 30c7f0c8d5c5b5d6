/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "worker/job.h"

/* A job has no network. What needs one is another of berth's programs, in a unit of its own that lives no longer than the job's: PROGRAM-ID.service. */

/* Its sandbox: appends "(sv)" properties. */
typedef int (*HelperUnitProperties)(sd_bus_message *m, const void *userdata);

/* program: of berth's private ones; the unit is called like it. *ret_fd: a SOCK_SEQPACKET socket whose other end is its standard input. Fails with
 * a sentence. */
int helper_unit_start(Job *j, const char *program, const char *description, HelperUnitProperties properties, const void *userdata, int *ret_fd);
