/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/hotplug.h"

#include <systemd/sd-device.h>

struct Hotplug {
        sd_device_monitor *monitor;
        void (*changed)(void *userdata);
        void *userdata;
};

bool hotplug_is_wanted(const Device *d) {
        static const bool table[_DEVICE_TYPE_MAX] = {
                [DEVICE_UNIX_CHAR] = true, [DEVICE_UNIX_BLOCK] = true, [DEVICE_USB] = true, [DEVICE_GPU] = true, [DEVICE_TTY] = true,
        };

        return table[device_type(d)] && !device_is_required(d);
}

static int on_device(sd_device_monitor *monitor, sd_device *device, void *userdata) {
        Hotplug *h = userdata;
        const char *node;

        /* What has no node is nothing to lend: an interface of another container, say. */
        if (sd_device_get_devname(device, &node) >= 0)
                h->changed(h->userdata);
        return 0;
}

int hotplug_new(sd_event *event, void (*changed)(void *userdata), void *userdata, Hotplug **ret) {
        _cleanup_(hotplug_freep) Hotplug *h = calloc(1, sizeof *h);
        int r;

        if (!h)
                return -ENOMEM;
        h->changed = changed;
        h->userdata = userdata;
        r = sd_device_monitor_new(&h->monitor);
        if (r >= 0)
                r = sd_device_monitor_attach_event(h->monitor, event);
        if (r >= 0)
                r = sd_device_monitor_start(h->monitor, on_device, h);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(h);
        return 0;
}

Hotplug *hotplug_free(Hotplug *h) {
        if (!h)
                return NULL;
        sd_device_monitor_unref(h->monitor);
        free(h);
        return NULL;
}
