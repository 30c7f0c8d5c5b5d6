/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"
#include "worker/job.h"

/* Rules in RawAppArmor= are compiled when they are set, so that a mistake in them is refused then and not found at a start. Does nothing without any,
 * and where there is no AppArmor. name NULL: f is a profile of containers; container_fd is not used then. */
int apparmor_check(Job *j, const char *name, int container_fd, const SettingsFile *f);
