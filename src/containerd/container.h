/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/manager.h"
#include "containerd/store.h"
#include "shared/message.h"

/* One container: its record on disk and what PID 1 says of its units. What is done to it is in operation.h and session.h. */

typedef enum ContainerState {
        CONTAINER_STOPPED,
        CONTAINER_STARTING, /* the supervisor sets up, or waits to be started again */
        CONTAINER_RUNNING,
        CONTAINER_STOPPING,
        CONTAINER_FROZEN,   /* runs, and all its processes are held */
        CONTAINER_FAILED,   /* does not run, and the last run ended badly */
        _CONTAINER_STATE_MAX,
        _CONTAINER_STATE_INVALID = -EINVAL,
} ContainerState;

struct Container {
        char *name;                /* first: Table */
        Manager *manager;          /* borrowed, outlives us */
        ContainerState unit_state; /* of berth@NAME.service; never CONTAINER_FROZEN */
        bool starting;             /* a start was asked for, and PID 1 has not ended it */
        bool run_in_active;        /* berth-run-NAME.service runs a command in it while it is stopped */
        StoreStamp stamp;          /* of what record was read from */
        ContainerRecord record;    /* valid after container_load() */
        bool damaged;              /* the record could not be read whole; said once in the log */
        bool deleting;             /* a delete is on its way */
};

int container_new(Manager *m, const char *name, Container **ret);
Container *container_free(Container *c); /* unlinks it */
DEFINE_CLEANUP(Container *, container_free)

const char *container_state_to_string(ContainerState s);
ContainerState container_state_from_string(const char *s);
/* systemd's ActiveState as a container's state. */
ContainerState container_state_from_unit(const char *active_state);

ContainerState container_state(Container *c);
bool container_runs(Container *c); /* running or frozen */
pid_t container_leader(Container *c); /* 0: none */
uint32_t container_uid_base(Container *c);
/* others_name_it: a file of settings that is not the container's own has Privileged=, so that all have to be read. */
bool container_privileged(Container *c, bool others_name_it);
/* The cgroup of the scope that this leader is in, an fd. Below it all is the guest's, names too. */
int container_open_cgroup(const char *name, pid_t leader);

/* Reads the record if it has changed. containers_fd may be negative. */
int container_load(Container *c, int containers_fd);

void container_set_unit_state(Container *c, ContainerState state);
void container_set_run_in(Container *c, bool active);
/* The payload has been frozen or thawed. */
void container_freezer_changed(Container *c);

/* The beginning of what a job on it is asked for, its name; refused while it is being deleted. */
int container_new_request(Container *c, Message **ret, sd_bus_error *error);
/* For a job that needs its files: of one that is encrypted the job's sandbox, and the caller's key for one that does not run (negative: there is none). The job
 * reads it: it is never in the manager. */
int container_add_key(const Container *c, Message *request, int key_fd, sd_bus_error *error);

/* Is it started at boot? */
bool container_enabled(Container *c);
/* By a link that somebody has made, not by Autostart=, which goes with its settings. */
bool container_enabled_by_hand(Container *c);

/* "debian 13", or a description of its image, or "". Borrowed. */
const char *container_operating_system(Container *c);
