/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/lent-context.h"
#include "settings/device.h"

/* Directories and files of the host, file systems on block devices and in images, file systems in memory, in a container; and how much its own root may
 * hold. > 0: the source is not there and not required. */
int disk_add(const LentContext *c, const Device *d, char **ret_error);
int disk_remove(const LentContext *c, const Device *d, char **ret_error);
