/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "basic/macro.h"
#include "launch/console.h"
#include "launch/control.h"
#include "launch/coredump-mark.h"
#include "launch/device-policy.h"
#include "launch/devices.h"
#include "launch/exec.h"
#include "launch/id-range.h"
#include "launch/intercept.h"
#include "launch/lxcfs.h"
#include "launch/namespaces.h"
#include "launch/payload.h"
#include "launch/plan.h"
#include "launch/scope.h"
#include "launch/seccomp-program.h"
#include "launch/session.h"
#include "settings/settings.h"

/* One container, from the lock on its directory to the end of its payload. start.c brings it up, requests.c answers the control socket,
 * end.c brings it down. */

#define SUPERVISOR_RUN_IN_IDLE_USEC (30 * USEC_PER_SEC) /* how long --run-in and OneShot= wait for their command */

/* The unit restarts the supervisor on this exit status (RestartForceExitStatus= of berth@.service): the guest asked for a reboot, and settings
 * are read again. */
#define SUPERVISOR_EXIT_REBOOT 133

typedef struct SupervisorOptions {
        const char *name;
        bool run_in; /* instead of its own init: a stub init, for one exec, and the end with it */
} SupervisorOptions;

typedef enum SupervisorState {
        SUPERVISOR_STARTING, /* the payload's PID 1 runs, and has not said READY=1 when it is expected to */
        SUPERVISOR_RUNNING,
        SUPERVISOR_STOPPING, /* it was asked to end */
        SUPERVISOR_KILLED,   /* it was made to end */
} SupervisorState;

typedef struct Hold Hold;

typedef struct Supervisor {
        const SupervisorOptions *options;
        SupervisorState state;
        Settings *settings;        /* owned, as all of the below: what it was started with */
        Settings *live;            /* the last that the running scope was given; NULL: the same */
        struct stat settings_stat; /* of container.conf, when it was read */
        sd_bus_slot *change_slot;  /* while PID 1 is asked to change the scope */
        Plan *plan;
        int container_fd;          /* containers/NAME */
        int volume_fd; /* the device of an encrypted container's volume: its last mount has gone when the payload has */
        int lock_fd;               /* its lock, held for as long as we live */
        IdRange id_range;
        int disk_userns_fd;        /* the map from the ids on disk to the container's; negative: they are the same */
        int cgroup_leaf_fd;        /* for commands from outside */
        char *label;               /* AppArmor's; NULL: none */
        bool profile_loaded;       /* by us, to be unloaded */
        bool policy_namespace;     /* it has one of its own */
        CoredumpMark *coredump_mark; /* NULL: the host's systemd passes no dumps on */
        SeccompProgram seccomp;
        char *seccomp_path;        /* where it was found */
        sd_bus *bus;
        sd_event *event;
        Scope *scope;
        Payload payload;
        Namespaces namespaces;
        DevicePolicy *device_policy; /* NULL: there is none; goes after the devices */
        Lent *lent;                  /* devices; goes before the namespaces */
        Lxcfs *lxcfs;                /* NULL: not wanted */
        Intercept *intercept;        /* NULL: no calls are intercepted */
        ExecContext exec_context;
        Sessions *sessions;
        Console *console;
        Control *control;
        Hold *hold;                  /* a job copies its files */
        sd_event_source *stop_timer; /* a clean stop has been asked for; at its end the payload is killed */
        sd_event_source *ask_timer;  /* the payload has no handler yet for the signal that asks it to stop */
        sd_event_source *idle_timer; /* --run-in, until the command comes */
        uint64_t executed_usec;      /* CLOCK_MONOTONIC: since then the payload's program runs, or did; 0 before */
        bool registered;             /* at machined */
        bool in_pid_namespace;       /* our children are born in the payload's */
        unsigned hooks;              /* 1 << HookType, of those there are; none before HOOK_PRE_START */
        bool asked_to_stop;          /* by PID 1 */
        bool terminated;             /* by the manager, whose stop of the unit comes after */
        int exit_status;             /* valid when the event loop has ended */
} Supervisor;

/* It has no program of its own: it waits for a command, and ends with it. Valid once the settings are loaded. */
static inline bool supervisor_one_shot(const Supervisor *s) {
        return s->options->run_in || s->settings->one_shot;
}

/* Returns the exit status of the program. */
int supervisor_run(const SupervisorOptions *options);

/* start.c: everything up to the payload's exec. Failures have been logged and told to whoever asked for the start. */
int supervisor_start(Supervisor *s);
int supervisor_start_error(Supervisor *s, int error, const char *format, ...) _printf_(3, 4);

/* requests.c: a ControlHandler; userdata is the Supervisor. */
void supervisor_on_request(int connection_fd, Message *request, void *userdata);

/* live.c: takes the connection */
void supervisor_change(Supervisor *s, int connection_fd, const Message *request);
/* What was set while it started, when nobody could tell it. */
void supervisor_catch_up(Supervisor *s);

/* hold.c: takes the connection */
void supervisor_hold(Supervisor *s, int connection_fd);
/* Lets it go on, whatever the job does; the job finds its connection closed. */
void supervisor_release(Supervisor *s);
Hold *hold_free(Hold *h);

/* applied.c: the answer. */
int supervisor_applied(Supervisor *s, Message **ret);

/* end.c */
void supervisor_stop(Supervisor *s); /* asks the payload, and kills it when it takes too long */
void supervisor_kill(Supervisor *s);
int supervisor_on_payload_exit(sd_event_source *source, const siginfo_t *si, void *userdata);
