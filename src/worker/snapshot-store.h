/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"
#include "shared/snapshot-conf.h"
#include "worker/job.h"

/* containers/NAME/snapshots/SNAPSHOT/ as jobs make, read and change it; and a container that a job has to itself. All fail with a sentence. */

typedef struct HeldContainer {
        const char *name;  /* borrowed */
        int fd;            /* the directory; locked, so that nobody changes its settings, unless it runs */
        int lock_fd;       /* it does not start; or, when it runs, all its processes stand still */
        bool runs;
        SettingsFile *conf;
        char **layers;
        char *image;
} HeldContainer;

typedef enum HoldHow {
        HOLD_STOPPED,   /* it must not run */
        HOLD_ANY,       /* one that runs stands still meanwhile */
        HOLD_DIRECTORY, /* only its settings and snapshots are locked; it may run, start and stop */
} HoldHow;

#define HELD_CONTAINER_NONE (HeldContainer) { .fd = -EBADF, .lock_fd = -EBADF }

int held_container_open(Job *j, const char *name, HoldHow how, HeldContainer *ret);
/* One that was opened with HOLD_DIRECTORY becomes one of HOLD_ANY; what was read of it holds. */
int held_container_quiet(Job *j, HeldContainer *c);
/* What runs goes on, now that its files are not needed any more; for a stopped one nothing changes. */
void held_container_release(const HeldContainer *c);
/* With one that runs it waits until that goes on: nobody is to find it frozen when the job is done. */
void held_container_done(HeldContainer *c);
int held_container_read(Job *j, HeldContainer *c);
/* Its file of settings, anew. */
int held_container_write(Job *j, HeldContainer *c, const SettingsFile *f);

int snapshot_check_name(Job *j, const char *name);
/* The directory that holds all of the container's; if it is not there it is made, or *ret_fd is negative. */
int snapshots_open(Job *j, const HeldContainer *c, bool make, int *ret_fd);
/* The number of them, and one more than the highest number between head and tail in their names. */
int snapshots_count(Job *j, int snapshots_fd, const char *head, const char *tail, unsigned *ret_n, unsigned *ret_next);
int snapshot_read(Job *j, const HeldContainer *c, const char *snapshot, SnapshotConf *ret, SettingsFile **ret_settings);
/* A new one in dir_fd, in full and durable, under the name "snapshot". */
int snapshot_make(Job *j, int dir_fd, const SnapshotConf *conf, const SettingsFile *settings);
