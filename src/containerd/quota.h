/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "containerd/manager.h"

/* How much a user who is not root may have (berth.conf(5)). It is checked before a job or a start is acknowledged, and what is under way counts as
 * being there. Memory is not counted here: the kernel limits it, by the user's slice (berth-generator). */

typedef enum QuotaKind {
        QUOTA_CONTAINERS,
        QUOTA_RUNNING,
        QUOTA_IMAGES,
        QUOTA_SNAPSHOTS,
        QUOTA_DISK,     /* bytes of images and snapshots, as far as is known: those of layers that are written to are not */
        _QUOTA_KIND_MAX,
} QuotaKind;

const char *quota_key(QuotaKind kind); /* of berth.conf */
uint64_t quota_limit(const Manager *m, QuotaKind kind); /* UINT64_MAX: none */
/* The tables of containers and images have to be those of the disk. */
uint64_t quota_used(Manager *m, QuotaKind kind, uid_t uid);

/* May the user have one more? Always, for root. */
int quota_check(Manager *m, QuotaKind kind, uid_t uid, sd_bus_error *error);
/* One more image, which takes room too. */
int quota_check_image(Manager *m, uid_t uid, sd_bus_error *error);
/* How many bytes one more image may take: half of what the user's other jobs leave, so that all that he begins at once cannot take more than he has.
 * UINT64_MAX: there is no limit. */
uint64_t quota_room(Manager *m, uid_t uid);
/* A snapshot of a container counts for who owns that, whoever takes it. */
int quota_check_snapshot(Manager *m, uid_t owner, sd_bus_error *error);
