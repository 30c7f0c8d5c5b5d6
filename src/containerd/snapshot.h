/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "shared/snapshot-conf.h"

/* The snapshots of a container as they are on disk; jobs make and change them. */

#define SNAPSHOT_SIZE_UNKNOWN UINT64_MAX

typedef struct Snapshot {
        char *name;
        SnapshotConf conf;
        uint64_t size_bytes; /* of the layer that is its alone, or was when it was taken */
} Snapshot;

typedef struct Snapshots {
        Snapshot *items; /* oldest first */
        size_t n;
} Snapshots;

void snapshots_done(Snapshots *s);
/* What cannot be read is left out. */
int snapshots_read(const char *container, Snapshots *ret);
const Snapshot *snapshots_find(const Snapshots *s, const char *name);
/* The container's settings as they were. -ENOENT: there is no such snapshot. */
int snapshot_read_settings(const char *container, const char *snapshot, char **ret);
