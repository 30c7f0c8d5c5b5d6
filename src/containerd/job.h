/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "containerd/manager.h"
#include "shared/message.h"

/* One piece of work that may take long or hang, done by berth-worker in a transient unit of its own: berth-job-ID.service. The job is over
 * when the unit's start is (the worker says READY=1 when all is durable, and the same to us, which saves a way round); progress and the reason
 * of a failure come as the unit's StatusText.
 * /run/berth/.jobs/ID keeps what it was asked for, so that a manager that has just been started knows it. */

typedef enum JobKind {
        JOB_IMPORT,
        JOB_CREATE,
        JOB_CLONE,
        JOB_DELETE,
        JOB_SNAPSHOT,
        JOB_RESTORE,
        JOB_MOVE,
        JOB_CHANGE_SNAPSHOT,
        JOB_DELETE_SNAPSHOTS,
        JOB_RENAME,
        JOB_CHANGE_KEY,
        JOB_REMOVE_IMAGE,
        JOB_ALIAS,
        JOB_CONFIGURE,
        JOB_COPY_TO,
        JOB_COPY_FROM,
        JOB_PROFILE,
        JOB_PUBLISH,
        JOB_PULL,
        JOB_BOOTSTRAP,
        JOB_REMOTE,
        JOB_IMAGE,
        JOB_SERVER,
        JOB_STORES,
        JOB_COLLECT,
        _JOB_KIND_MAX,
        _JOB_KIND_INVALID = -EINVAL,
} JobKind;

/* error: NULL when it was done. The job is gone when this returns. */
typedef void (*JobDone)(void *userdata, const Job *job, const sd_bus_error *error);

struct Job {
        Manager *manager;   /* borrowed, outlives us */
        unsigned id;
        JobKind kind;
        char *target;       /* container, image, alias, or "" */
        uid_t owner;        /* who asked */
        char *client;       /* the caller's unique name, or "" */
        char *source;       /* of a clone: the container that is copied; of most others NULL */
        uint64_t room;      /* bytes of its owner's that are set aside for it; 0: none */
        char *unit;
        bool has_stores;    /* of a spare one: what its sandbox was made for */
        double progress;    /* 0…1; negative: not known */
        char *status;       /* what it is doing, or "" */
        char *result;       /* "fingerprint=…", or NULL */
        char *error;        /* what it said when it failed: "NAME sentence", or NULL */
        int channel_fd;     /* owned; our end of the worker's standard input, on which it says that the job is done */
        sd_event_source *channel;
        bool cancelled;     /* its unit is being stopped; the job is over when that is done */
        JobDone done;       /* may be NULL */
        void *userdata;
};

const char *job_kind_to_string(JobKind k);
JobKind job_kind_from_string(const char *s);

/* For job-unit.c and job-spare.c: one that has no work yet and is in no table. */
int job_new(Manager *m, unsigned id, Job **ret);

/* Takes over nothing. The request gets its `id` and `owner` here. On failure error is set. */
int job_start(Manager *m, JobKind kind, const char *target, uid_t owner, const char *client, Message *request,
              JobDone done, void *userdata, Job **ret, sd_bus_error *error);
/* A job that ran before the manager was started. */
int job_restore(Manager *m, unsigned id);
/* Removes what was written down of jobs that are gone, and goes on numbering after them. */
void job_forget_finished(Manager *m);

/* The caller hears when the job and what it left are gone. */
int job_cancel(Job *j, Done done, void *userdata, sd_bus_error *error);

Job *job_find(Manager *m, unsigned id);
/* The job at work on this object, if any. */
Job *job_find_target(Manager *m, JobKind kind, const char *target);
/* A job copies this container, which stands still for that if it runs. */
bool job_copies(Manager *m, const char *name);
size_t job_count(const Manager *m);

/* PID 1 has a new StatusText. */
void job_set_status(Job *j, const char *text);

/* What PID 1 says at the end of the unit's start, and what the worker says before. */
void job_on_unit_started(void *userdata, const UnitOutcome *outcome);
void job_on_done(Job *j, const char *result);

/* Starts a collect job if failed jobs have left something behind. */
void job_collect(Manager *m);

/* Frees it without a word; used when the manager goes. */
Job *job_free(Job *j);
DEFINE_CLEANUP(Job *, job_free)
