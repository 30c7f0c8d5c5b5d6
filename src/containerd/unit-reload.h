/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/manager.h"
#include "containerd/systemd.h"

/* PID 1 reads unit files again, for which it runs berth-generator. That makes timers of snapshots (SnapshotSchedule=), but starts and stops none: this
 * does, so that a schedule counts, or counts no more, as soon as done() comes. The error is that of the reload; reply is never there. */
int unit_reload(Manager *m, SystemdReply done, void *userdata);

/* Has berth-generator made anything of this container's settings? */
bool unit_reload_has_drop_in(const char *name);
