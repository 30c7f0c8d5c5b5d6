/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "basic/macro.h"

/* snapshots/NAME/snapshot.conf of a container: what is known of a snapshot. Beside it, container.conf is the container's as it was. */

typedef struct SnapshotConf {
        uint64_t created_usec;
        uint64_t expires_usec; /* 0: never */
        bool stateful;         /* always no: memory and processes are not kept */
        bool personalised;     /* it had been started before, so it has its host name and machine id */
} SnapshotConf;

int snapshot_conf_print(const SnapshotConf *c, char **ret);
/* -EBADMSG: there is something in it that has no business there. */
int snapshot_conf_read(int snapshots_fd, const char *name, SnapshotConf *ret);
