/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "shared/message.h"
#include "worker/failure.h"

/* What all kinds of jobs have in common: the request, the state directory, and what they tell the world through sd_notify (see
 * "Job request" in docs/ARCHITECTURE.md). A job that returns before job_commit() has failed or was cancelled and left nothing. */

typedef struct Job {
        Message *request; /* owned */
        int state_fd;     /* owned; the state directory */
        int channel_fd;   /* borrowed; the request came from it, and whoever sent it hears of the commit */
        char *result;     /* owned; what job_result() said */
        uint32_t id;
        uid_t owner;
        Failure failure;
        bool committed;
        uint64_t unpacked; /* bytes, of what the request's "room" allows */
        uint64_t progress_usec; /* when progress was last told */
        double progress_from, progress_to; /* what of the whole is being done now; both 0: all of it */
} Job;

typedef int (*JobFunction)(Job *j);

int job_import(Job *j);
int job_pull(Job *j);
int job_bootstrap(Job *j);
int job_publish(Job *j);
int job_image(Job *j);
int job_create(Job *j);
int job_clone(Job *j);
int job_delete(Job *j);
int job_snapshot(Job *j);
int job_restore(Job *j);
int job_change_snapshot(Job *j);
int job_delete_snapshots(Job *j);
int job_rename(Job *j);
int job_change_key(Job *j);
int job_move(Job *j);
int job_remove_image(Job *j);
int job_alias(Job *j);
int job_configure(Job *j);
int job_copy_to(Job *j);
int job_copy_from(Job *j);
int job_profile(Job *j);
int job_remote(Job *j);
int job_server(Job *j);
int job_stores(Job *j);
int job_collect(Job *j);

/* Waits until there is a request, or nobody any more to send one (-ENODATA). SIGTERM ends it as it ends any program. */
int job_await(int request_fd);
/* Takes the request from its socket and opens the state directory. */
int job_open(Job *j, int request_fd, const char *state_dir);
void job_close(Job *j);

/* A field that must be there. */
int job_get(Job *j, const char *key, const char **ret);

/* SIGTERM is blocked while a job makes something; it asks at the places where it can still go back. */
bool job_cancelled(void);
int job_fail_cancelled(Job *j);

void job_progress(Job *j, double fraction, const char *what); /* fraction < 0: unknown */
void job_result(Job *j, const char *format, ...) _printf_(2, 3);
/* READY=1, and the same to the manager. What the job has locked must be unlocked by now: who gets the answer goes on at once, and would be told that
 * a job works with the thing. */
void job_commit(Job *j);
void job_report_failure(Job *j);

