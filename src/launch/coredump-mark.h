/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "basic/macro.h"

/* CoredumpReceive= of the scope, kept in force. systemd-coredump of the host (255 and later) passes a dump on to a container whose cgroup
 * carries the extended attribute user.coredump_receive, which PID 1 sets. The scope's cgroup is also the root of the container's tree, and a systemd
 * in there takes the attribute off its root slice whenever it looks after it. So it is put back when it goes. */

typedef struct CoredumpMark CoredumpMark;

/* Takes cgroup_fd, also when it fails. *ret is NULL where PID 1 has set no such attribute. -EMFILE: root has no inotify instance left
 * (fs.inotify.max_user_instances, 128 by default). */
int coredump_mark_watch(sd_event *event, int cgroup_fd, CoredumpMark **ret);
CoredumpMark *coredump_mark_free(CoredumpMark *m);
DEFINE_CLEANUP(CoredumpMark *, coredump_mark_free)
