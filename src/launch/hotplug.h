/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "settings/device.h"

/* Listens to udev for containers that have devices which may come and go; a host without udev has nobody to tell it. */

typedef struct Hotplug Hotplug;

bool hotplug_is_wanted(const Device *d);
/* changed: something about devices of the host is different. */
int hotplug_new(sd_event *event, void (*changed)(void *userdata), void *userdata, Hotplug **ret);
Hotplug *hotplug_free(Hotplug *h);
DEFINE_CLEANUP(Hotplug *, hotplug_free)
