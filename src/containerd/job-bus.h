/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/job.h"

/* org.berth1.Job: the bus side of a job. */

int job_bus_add(Manager *m);
const sd_bus_vtable *job_bus_vtable(void);

int job_bus_path(unsigned id, char **ret);
int job_bus_get(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int job_bus_cancel(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);

void job_bus_new(Job *j);
void job_bus_changed(Job *j);
void job_bus_removed(Job *j, const sd_bus_error *error);
/* An alias or a setting has been changed. */
void job_bus_target_changed(const Job *j);
