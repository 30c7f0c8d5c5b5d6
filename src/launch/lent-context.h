/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "launch/device-policy.h"
#include "launch/namespaces.h"

/* Of the container that is lent something: what every type of device may need. */
typedef struct LentContext {
        const char *container;        /* borrowed, as all of the below */
        const char *uuid;
        const char *layer;            /* the id of the one that is its own to write */
        uint32_t id_base;             /* what its root is on the host */
        uint32_t project;             /* the number of its quota */
        uint32_t owner;
        int container_fd;             /* containers/NAME */
        int disk_userns_fd;           /* from the ids on disk to its own; negative: they are the same */
        DevicePolicy *device_policy;  /* NULL: none */
        sd_event *event;
        const Namespaces *namespaces; /* opened by the time that anything but interfaces is given */
} LentContext;

/* For mount_lock(). A privileged container has no user namespace of its own, but that of its map. */
static inline int lent_context_userns_fd(const LentContext *c) {
        return c->namespaces->fds[0] >= 0 ? c->namespaces->fds[0] : c->disk_userns_fd;
}
