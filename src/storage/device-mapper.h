/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* Devices of the device-mapper, which the kernel is asked for by their names: the links in /dev are udev's, who is late when devices come and go, and a device that
 * is gone leaves its number to the next. */

#define DM_PATH_MAX sizeof "/dev/dm-4294967295"

/* The name of a logical volume's device. -ENAMETOOLONG. */
int dm_volume_name(const char *group, const char *volume, char **ret);

/* -ENXIO: there is none of this name. */
int dm_find(const char *name, dev_t *ret);
/* Its node, made by the kernel (devtmpfs). */
void dm_path(dev_t device, char ret[static DM_PATH_MAX]);

/* The device goes when the last has closed it, and at once when nobody has it open. */
int dm_remove_deferred(dev_t device);
