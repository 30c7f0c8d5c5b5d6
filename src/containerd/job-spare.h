/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/job.h"

/* A spare worker: a job's unit that PID 1 has made ready before there is a job for it, which is most of what a short job takes (fork, a
 * cgroup to move to, loading a program). It has the sandbox of the kinds of its class, waits on its socket, does one job like any other worker, and
 * goes when the manager does. There is one of a class at most, while the manager is awake and has done a job; for archives after one with an archive. */

/* One that can do this kind, taken away from the manager; NULL when there is none. */
Job *job_spare_take(Manager *m, JobKind kind);

/* Soon, when it is quiet, there shall be those that are likely to be wanted after this one. */
void job_spare_arrange(Manager *m, JobKind done);

bool job_is_spare(const Job *j);
size_t job_spare_count(const Manager *m);
