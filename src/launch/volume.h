/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/devices.h"
#include "settings/device.h"

/* A volume, "Source=volume:NAME" of a disk: a directory of the container's own, volumes/NAME beside its layer, on the host's file system and not
 * in the overlay. It is made empty when it is first wanted and goes with the container. On disk it belongs to the same ids as the layer. */

#define VOLUME_PREFIX "volume:"

/* On failure *ret_error is the end of a sentence. */
int volume_add(const LentContext *c, const Device *d, char **ret_error);
