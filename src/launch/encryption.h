/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"
#include "settings/settings.h"

/* The key of an encrypted container: a credential of its unit (berth.key), the file that KeyFile= names, or what somebody answers when the host's password agents
 * ask (systemd-ask-password(1)). It is in memory for as long as it takes to open the volume. */

#define ENCRYPTION_CREDENTIAL "berth.key"

/* Opens its volume, if it has one; *ret_mount_fd keeps it open until it is mounted where it belongs. -ECANCELED: it was stopped while somebody was asked. */
int encryption_open(const char *name, const Settings *s, int *ret_mount_fd, char **ret_error);

/* The guest reboots: PID 1 keeps the volume, whose device this is, open until the next supervisor has it, so that nobody has to be asked. */
void encryption_keep(int device_fd);
