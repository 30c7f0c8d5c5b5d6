/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* All talk with PID 1, and nothing else talks to it. Nothing here waits: a call has a callback, a unit job is over when its JobRemoved
 * has come. PID 1 sends a unit's pending changes before it says that the unit's job is gone (since systemd 242), so the last StatusText
 * of a unit that failed at once is known when its job's callback runs, even if the unit has been unloaded already. */

typedef struct Systemd Systemd;

/* What PID 1 said of one of berth's units; NULL where the message did not say. */
typedef struct UnitChange {
        const char *unit;
        const char *active_state;
        const char *sub_state;
        const char *freezer_state;
        const char *status_text;
        const char *result;
        bool has_job;          /* the unit has a job queued or running */
} UnitChange;

typedef void (*UnitChanged)(void *userdata, const UnitChange *change);

typedef struct UnitOutcome {
        const char *result;         /* of the job: done, failed, canceled, timeout, dependency, skipped…; NULL when error is set */
        const char *status;         /* the unit's last StatusText while the job ran, or "" */
        const char *service_result; /* the service's Result, or "" */
        const sd_bus_error *error;  /* the call itself failed */
} UnitOutcome;

typedef void (*UnitJobDone)(void *userdata, const UnitOutcome *outcome);
/* Exactly one of reply and error is not NULL. */
typedef void (*SystemdReply)(void *userdata, sd_bus_message *reply, const sd_bus_error *error);

int systemd_new(sd_bus *bus, UnitChanged changed, void *userdata, Systemd **ret);
Systemd *systemd_free(Systemd *s);
DEFINE_CLEANUP(Systemd *, systemd_free)

/* Calls and jobs whose end has not come. */
size_t systemd_n_waiting(const Systemd *s);

/* method: StartUnit, StopUnit, RestartUnit; done() comes with the end of the job. */
int systemd_unit_job(Systemd *s, const char *method, const char *unit, UnitJobDone done, void *userdata);
/* StartUnit, until the unit's job ends, or its StatusText is this one; status may be NULL, and is not copied. */
int systemd_start_until(Systemd *s, const char *unit, const char *status, UnitJobDone done, void *userdata);
/* A message made by systemd_new_transient(). */
int systemd_start_transient(Systemd *s, const char *unit, sd_bus_message *m, UnitJobDone done, void *userdata);
/* The job that runs for this unit already, of which the caller knows from ListUnits. */
int systemd_wait_unit(Systemd *s, const char *unit, UnitJobDone done, void *userdata);

/* Whoever waits with this userdata waits no longer; its callback is not called. */
void systemd_forget(Systemd *s, const void *userdata);

/* Opens a StartTransientUnit message up to its properties; each is added by systemd_append_property(). */
int systemd_new_transient(Systemd *s, const char *unit, const char *description, sd_bus_message **ret);
int systemd_append_property(sd_bus_message *m, const char *name, const char *type, ...);
int systemd_append_exec(sd_bus_message *m, char *const *argv);

/* Any method of org.freedesktop.systemd1.Manager; done may be NULL. */
int systemd_call(Systemd *s, SystemdReply done, void *userdata, const char *method, const char *types, ...);
/* A property of PID 1's manager object; the reply holds it as a variant. */
int systemd_get_property(Systemd *s, SystemdReply done, void *userdata, const char *property);
/* units: a NULL-terminated vector of patterns. */
int systemd_list_units(Systemd *s, SystemdReply done, void *userdata, char *const *patterns);
