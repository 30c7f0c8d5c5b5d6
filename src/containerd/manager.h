/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "containerd/gate.h"
#include "containerd/limits.h"
#include "containerd/systemd.h"
#include "containerd/table.h"
#include "settings/server.h"

/* The manager knows the host's containers, images and jobs, and holds no truth about them: what exists is on disk, what runs is in
 * PID 1. Killed and started again it knows the same. It never waits, never mounts, and opens no path for a caller. */

/* What there is a spare worker for (job-spare.h). */
typedef enum SpareClass {
        SPARE_TREES,    /* berth's own trees are changed */
        SPARE_ARCHIVES, /* something is read or written that strangers made */
        _SPARE_CLASS_MAX,
} SpareClass;

typedef struct Container Container;
typedef struct Image Image;
typedef struct Job Job;

/* The end of something that was asked for; error is NULL when it was done, and borrowed. */
typedef void (*Done)(void *userdata, const sd_bus_error *error);

struct Manager {
        sd_event *event;
        sd_bus *bus;
        Systemd *systemd;
        Gate *gate;
        Table containers;       /* Container, owned */
        Table images;           /* Image, owned */
        Job *jobs[JOBS_MAX];    /* owned; NULL where there is none */
        Job *spares[_SPARE_CLASS_MAX]; /* owned; workers that wait for the next job, or NULL */
        bool spare_wanted[_SPARE_CLASS_MAX];
        sd_event_source *reap_source; /* until what ended before our time has been seen to */
        sd_event_source *spare_timer; /* until it is time for the next one */
        unsigned last_job_id;
        unsigned n_orphans;     /* remains on disk of jobs that are gone, when they were counted last */
        struct WhoAmI *whoami;  /* owned; questions to polkit */
        size_t n_controls;      /* requests to supervisors that wait for their answer */
        bool started;           /* the bus name is ours, or asked for: from here on what changes is told by signals */
        bool telling;           /* a signal is being made: it shows an object whoever is being served */
        bool leaving;           /* idle; the name is being given back */
        ServerSettings server;  /* as they were read last */
        uint64_t idle_usec;     /* leave after so long without work; USEC_INFINITY: never */
        bool idle_fixed;        /* the command line says so, not IdleExitSec= */
        sd_event_source *idle_timer;
};

/* idle_usec: 0 for what berth.conf says */
int manager_new(uint64_t idle_usec, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager *, manager_free)

/* Connects, learns what PID 1 runs, then takes the bus name. */
int manager_run(Manager *m);

/* Brings the table in line with the disk. */
int manager_refresh_containers(Manager *m);
int manager_refresh_images(Manager *m);

/* By name, whether or not the table knew it. *ret is NULL with -ENOENT. */
int manager_find_container(Manager *m, const char *name, Container **ret);
/* By alias, fingerprint or its unique beginning. -ENOENT, -ENOTUNIQ. */
int manager_find_image(Manager *m, const char *reference, Image **ret);

/* berth.conf, whose mistakes are logged and otherwise count as not being there. */
void manager_reload_server(Manager *m);

/* Something was done for a caller: idleness begins anew. */
void manager_touch(Manager *m);
