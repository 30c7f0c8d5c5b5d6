/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/operation.h"

#include <assert.h>
#include <signal.h>
#include <string.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/control.h"
#include "containerd/error.h"
#include "containerd/job.h"
#include "shared/bus-names.h"
#include "shared/names.h"

#define FREEZE_TRIES 5U
#define LOOK_AGAIN_USEC (10 * USEC_PER_MSEC)
#define KILL_AGAIN_USEC (250 * USEC_PER_MSEC)

typedef struct Operation {
        Manager *manager;        /* borrowed, outlives us */
        char *name;              /* of the container, which may be gone when a step ends */
        char *unit, *scope;
        Done done;               /* may be NULL */
        void *userdata;
        sd_event_source *timer;  /* stop: until the patience ends, or it is killed again */
        bool restarts;           /* after it has stopped */
        unsigned tries;          /* freeze */
} Operation;

static Operation *operation_free(Operation *o) {
        if (!o)
                return NULL;
        sd_event_source_disable_unref(o->timer);
        free(o->name);
        free(o->unit);
        free(o->scope);
        free(o);
        return NULL;
}
DEFINE_CLEANUP(Operation *, operation_free)

static int operation_new(Manager *m, const char *name, Done done, void *userdata, Operation **ret) {
        _cleanup_(operation_freep) Operation *o = calloc(1, sizeof *o);

        if (!o)
                return -ENOMEM;
        *o = (Operation) { .manager = m, .done = done, .userdata = userdata };
        o->name = strdup(name);
        if (!o->name || container_unit(name, &o->unit) < 0 || container_scope(name, &o->scope) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(o);
        return 0;
}

static void operation_finish(Operation *o, const sd_bus_error *error) {
        if (o->done)
                o->done(o->userdata, error);
        operation_free(o);
}

/* Refuses what would fight with something else that is being done to the container. */
static int check_free(Container *c, sd_bus_error *error) {
        if (c->deleting || job_find_target(c->manager, JOB_DELETE, c->name))
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is being deleted.", c->name);
        return 0;
}

static int check_runs(Container *c, sd_bus_error *error) {
        if (!container_runs(c))
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_RUNNING, "Container '%s' is not running.", c->name);
        return check_free(c, error);
}

static const char *explain_result(const UnitOutcome *outcome) {
        static const struct {
                const char *result, *sentence;
        } table[] = {
                { "canceled", "it was stopped meanwhile" },
                { "timeout", "it took too long" },
                { "dependency", "a unit that it needs failed" },
                { "skipped", "its unit's conditions are not met" },
                { "invalid", "its unit cannot be loaded" },
                { "unsupported", "units of this kind are not supported here" },
                { "oom-kill", "memory ran out" },
                { "signal", "its supervisor was killed" },
                { "core-dump", "its supervisor crashed" },
                { "watchdog", "its supervisor hung" },
                { "start-limit-hit", "it was started too often in a short time" },
                { "resources", "the system lacks resources for it" },
                { "protocol", "its supervisor went away before it was ready" },
                { "exit-code", "its supervisor failed, see 'journalctl -u' of its unit" },
        };
        const char *results[] = { outcome->service_result, outcome->result };

        /* The service's own result says more than the job's "failed". */
        for (size_t k = 0; k < ELEMENTSOF(results); k++)
                for (size_t i = 0; i < ELEMENTSOF(table); i++)
                        if (results[k] && streq(results[k], table[i].result))
                                return table[i].sentence;
        return "its unit failed";
}

static void on_started(void *userdata, const UnitOutcome *outcome) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *sentence = NULL;
        Operation *o = userdata;
        const char *reason;
        Container *c;

        if (outcome->error)
                sd_bus_error_setf(&error, BERTH_ERROR_START_FAILED, "Container '%s' cannot be started: %s", o->name, outcome->error->message);
        else if (!streq(outcome->result, "done")) {
                /* The supervisor says why, in a whole sentence, before it goes. */
                reason = startswith(outcome->status, "error ");
                if (reason && string_escape(reason, &sentence) >= 0)
                        sd_bus_error_set(&error, BERTH_ERROR_START_FAILED, sentence);
                else
                        sd_bus_error_setf(&error, BERTH_ERROR_START_FAILED, "Container '%s' cannot be started: %s.", o->name, explain_result(outcome));
        }
        if (sd_bus_error_is_set(&error))
                log_warning("%s", error.message);
        c = table_get(&o->manager->containers, o->name);
        if (c)
                c->starting = false;
        operation_finish(o, sd_bus_error_is_set(&error) ? &error : NULL);
}

int operation_start(Container *c, StartUntil until, Done done, void *userdata, sd_bus_error *error) {
        _cleanup_(operation_freep) Operation *o = NULL;
        int r;

        assert(c);

        r = check_free(c, error);
        if (r < 0)
                return r;
        switch (container_state(c)) {

        case CONTAINER_RUNNING:
        case CONTAINER_FROZEN:
                return sd_bus_error_setf(error, BERTH_ERROR_ALREADY_RUNNING, "Container '%s' runs already.", c->name);

        case CONTAINER_STOPPING:
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is being stopped.", c->name);

        case CONTAINER_STOPPED:
        case CONTAINER_STARTING: /* joins the start that is on its way */
        case CONTAINER_FAILED:
        case _CONTAINER_STATE_MAX:
        case _CONTAINER_STATE_INVALID:
                break;
        }

        r = operation_new(c->manager, c->name, done, userdata, &o);
        if (r < 0)
                return r;
        /* Somebody wants it now: how often it was started before, by itself (a guest that reboots in a loop) or by others, is of the past.
         * It resets the count of StartLimitBurst= as well; an error says that PID 1 has forgotten the unit and so has nothing to reset. */
        if (container_state(c) != CONTAINER_STARTING)
                (void) systemd_call(c->manager->systemd, NULL, NULL, "ResetFailedUnit", "s", o->unit);
        r = systemd_start_until(c->manager->systemd, o->unit, until == START_UNTIL_PAYLOAD ? STATUS_BOOTS : NULL, on_started, o);
        if (r < 0)
                return r;
        c->starting = true;
        TAKE_PTR(o);
        return 0;
}

static void kill_scope(const Operation *o) {
        int r = systemd_call(o->manager->systemd, NULL, NULL, "KillUnit", "ssi", o->scope, "all", SIGKILL);

        if (r < 0)
                log_warning_errno(r, "Cannot kill '%s', ignoring: %m", o->scope);
}

static void on_terminated(void *userdata, const sd_bus_error *error) {
        Operation *o = userdata;

        if (error) {
                log_debug("%s", error->message);
                kill_scope(o);
        }
        operation_finish(o, NULL);
}

/* Kills the payload: by its supervisor, which then undoes what it set up, and waits for the stop of its unit. False: there is none that hears it. */
static bool terminate(Manager *m, const char *name) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_(operation_freep) Operation *o = NULL;
        int r;

        if (operation_new(m, name, NULL, NULL, &o) < 0 || message_new(&request) < 0) {
                (void) log_oom();
                return false;
        }
        r = message_add(request, "request", "terminate");
        if (r >= 0)
                r = control_request(m, name, request, on_terminated, o, &error);
        if (r < 0)
                return false;
        TAKE_PTR(o);
        return true;
}

static void on_stopped(void *userdata, const UnitOutcome *outcome) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Operation *o = userdata;

        if (outcome->error)
                sd_bus_error_setf(&error, BERTH_ERROR_STOP_FAILED, "Container '%s' cannot be stopped: %s", o->name, outcome->error->message);
        else if (!streq(outcome->result, "done"))
                sd_bus_error_setf(&error, BERTH_ERROR_STOP_FAILED, "Container '%s' was not stopped: %s.", o->name,
                                  streq(outcome->result, "canceled") ? "it was started meanwhile" : explain_result(outcome));
        if (sd_bus_error_is_set(&error))
                log_warning("%s", error.message);
        operation_finish(o, sd_bus_error_is_set(&error) ? &error : NULL);
}

static int kill_later(Operation *o, uint64_t usec, sd_event_time_handler_t handler) {
        o->timer = sd_event_source_disable_unref(o->timer);
        return sd_event_add_time_relative(o->manager->event, &o->timer, CLOCK_MONOTONIC, usec, USEC_PER_MSEC, handler, o);
}

/* Whether the one that is to stop is still there. A restart has a second half, in which there is somebody else to be killed; before its first, PID 1 has
 * not begun, and again is called soon. */
static bool still_stops(Operation *o, sd_event_time_handler_t again) {
        const Container *c = table_get(&o->manager->containers, o->name);

        if (!o->restarts || (c && c->unit_state == CONTAINER_STOPPING))
                return true;
        if (c && c->unit_state == CONTAINER_RUNNING)
                (void) kill_later(o, LOOK_AGAIN_USEC, again);
        return false;
}

/* Whoever is being started has no control socket and perhaps no scope yet, and might be asked too early; a supervisor that waits for a hook hears
 * nobody. Until the unit has stopped, it is killed again, and directly. */
static int on_kill_again(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Operation *o = userdata;

        if (!still_stops(o, on_kill_again))
                return 0;
        (void) terminate(o->manager, o->name);
        kill_scope(o);
        return kill_later(o, KILL_AGAIN_USEC, on_kill_again);
}

static int on_patience_ended(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Operation *o = userdata;

        if (!still_stops(o, on_patience_ended))
                return 0;
        log_info("Container '%s' did not stop in the time it was given, killing it", o->name);
        if (!terminate(o->manager, o->name))
                kill_scope(o);
        return kill_later(o, KILL_AGAIN_USEC, on_kill_again);
}

/* The payload is killed before its unit is told to stop: a supervisor that hears of the stop first runs the hooks for it. One that is being
 * started hears nothing, and what it has is killed after: its unit could be started again by its Restart=. */
static int stop_unit(Container *c, const char *method, const StopOptions *options, UnitJobDone ended, Done done, void *userdata) {
        _cleanup_(operation_freep) Operation *o = NULL;
        Manager *m = c->manager;
        bool terminated;
        int r;

        r = operation_new(c->manager, c->name, done, userdata, &o);
        if (r < 0)
                return r;
        /* A held payload hears no request to stop. */
        if (container_state(c) == CONTAINER_FROZEN) {
                r = systemd_call(m->systemd, NULL, NULL, "ThawUnit", "s", o->scope);
                if (r < 0)
                        return r;
        }
        o->restarts = streq(method, "RestartUnit");
        if (options->force)
                r = kill_later(o, KILL_AGAIN_USEC, on_kill_again);
        else if (options->timeout_usec != USEC_INFINITY)
                r = kill_later(o, options->timeout_usec, on_patience_ended);
        if (r < 0)
                return r;
        terminated = options->force && terminate(m, o->name);
        r = systemd_unit_job(m->systemd, method, o->unit, ended, o);
        if (r < 0)
                return r;
        if (options->force && !terminated)
                kill_scope(o);
        TAKE_PTR(o);
        return 0;
}

static int check_stoppable(Container *c, sd_bus_error *error) {
        if (c->unit_state == CONTAINER_STOPPED || c->unit_state == CONTAINER_FAILED)
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_RUNNING, "Container '%s' is not running.", c->name);
        return 0;
}

int operation_stop(Container *c, const StopOptions *options, Done done, void *userdata, sd_bus_error *error) {
        int r = check_stoppable(c, error);

        return r < 0 ? r : stop_unit(c, "StopUnit", options, on_stopped, done, userdata);
}

int operation_restart(Container *c, const StopOptions *options, Done done, void *userdata, sd_bus_error *error) {
        int r = check_stoppable(c, error);

        if (r >= 0)
                r = check_free(c, error);
        return r < 0 ? r : stop_unit(c, "RestartUnit", options, on_started, done, userdata);
}

int operation_reboot(Container *c, Done done, void *userdata, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = check_runs(c, error);
        if (r < 0)
                return r;
        r = message_new(&request);
        if (r < 0)
                return r;
        r = message_add(request, "request", "reboot");
        return r < 0 ? r : control_request(c->manager, c->name, request, done, userdata, error);
}

/* The end of an operation that is one call to systemd. */
static void on_called(void *userdata, _unused_ sd_bus_message *reply, const sd_bus_error *error) {
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        Operation *o = userdata;

        if (error)
                sd_bus_error_setf(&e, streq(error->name, SD_BUS_ERROR_NOT_SUPPORTED) ? BERTH_ERROR_NOT_SUPPORTED : BERTH_ERROR_JOB_FAILED,
                                  "systemd refused this for container '%s': %s", o->name, error->message);
        operation_finish(o, error ? &e : NULL);
}

int operation_kill(Container *c, bool leader, int signal, Done done, void *userdata, sd_bus_error *error) {
        _cleanup_(operation_freep) Operation *o = NULL;
        int r;

        r = check_runs(c, error);
        if (r < 0)
                return r;

        if (leader) {
                _cleanup_(message_freep) Message *request = NULL;

                r = message_new(&request);
                if (r >= 0)
                        r = message_add(request, "request", "signal");
                if (r >= 0)
                        r = message_add(request, "whom", "leader");
                if (r >= 0)
                        r = message_addf(request, "signal", "%d", signal);
                return r < 0 ? r : control_request(c->manager, c->name, request, done, userdata, error);
        }

        r = operation_new(c->manager, c->name, done, userdata, &o);
        if (r < 0)
                return r;
        r = systemd_call(c->manager->systemd, on_called, o, "KillUnit", "ssi", o->scope, "all", signal);
        if (r < 0)
                return r;
        TAKE_PTR(o);
        return 0;
}

static void on_thawed(void *userdata, sd_bus_message *reply, const sd_bus_error *error) {
        Operation *o = userdata;
        Container *c = table_get(&o->manager->containers, o->name);

        if (c && !error)
                container_freezer_changed(c);
        on_called(o, reply, error);
}

static void on_frozen(void *userdata, sd_bus_message *reply, const sd_bus_error *error) {
        Operation *o = userdata;

        /* When anything else happens in the cgroup at that moment, PID 1 takes "not yet frozen" for "thawed again" and gives up, while the
         * kernel freezes it all the same (seen on systemd 252 and 257). Asked again it finds it frozen, and knows that there is something to thaw. */
        if (error && ++o->tries < FREEZE_TRIES && systemd_call(o->manager->systemd, on_frozen, o, "FreezeUnit", "s", o->scope) >= 0)
                return;
        on_thawed(o, reply, error);
}

int operation_freeze(Container *c, bool freeze, Done done, void *userdata, sd_bus_error *error) {
        _cleanup_(operation_freep) Operation *o = NULL;
        int r;

        r = check_runs(c, error);
        if (r < 0)
                return r;
        r = operation_new(c->manager, c->name, done, userdata, &o);
        if (r < 0)
                return r;
        r = systemd_call(c->manager->systemd, freeze ? on_frozen : on_thawed, o, freeze ? "FreezeUnit" : "ThawUnit", "s", o->scope);
        if (r < 0)
                return r;
        TAKE_PTR(o);
        return 0;
}

/* The unit file's links have changed: PID 1 reads them. */
static void on_unit_file_changed(void *userdata, sd_bus_message *reply, const sd_bus_error *error) {
        Operation *o = userdata;
        Container *c;

        if (!error) {
                if (manager_find_container(o->manager, o->name, &c) >= 0)
                        container_bus_changed(c, "Enabled", NULL, NULL);
                if (systemd_call(o->manager->systemd, on_called, o, "Reload", "") >= 0)
                        return;
        }
        on_called(o, reply, error);
}

static int change_unit_file(Operation *o, bool enable, SystemdReply done) {
        Systemd *s = o->manager->systemd;

        return enable ? systemd_call(s, done, o, "EnableUnitFiles", "asbb", 1, o->unit, false, false)
                      : systemd_call(s, done, o, "DisableUnitFiles", "asb", 1, o->unit, false);
}

int operation_enable(Container *c, bool enable, Done done, void *userdata, sd_bus_error *error) {
        _cleanup_(operation_freep) Operation *o = NULL;
        int r;

        r = check_free(c, error);
        if (r < 0)
                return r;
        r = operation_new(c->manager, c->name, done, userdata, &o);
        if (r < 0)
                return r;
        r = change_unit_file(o, enable, on_unit_file_changed);
        if (r < 0)
                return r;
        TAKE_PTR(o);
        return 0;
}
