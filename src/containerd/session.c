/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/session.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "containerd/control.h"
#include "containerd/job.h"
#include "shared/bus-names.h"
#include "shared/names.h"

/* How long a unit of the same name may take to be forgotten by PID 1, after the command before this one. */
#define UNIT_GONE_TRIES 100U
#define UNIT_GONE_USEC (20 * USEC_PER_MSEC)

#define SUPERVISOR BERTH_LIBEXECDIR "/berth-launch"

typedef struct RunIn {
        Manager *manager;
        char *name;
        Message *request; /* owned */
        SessionDone done;
        void *userdata;
        sd_event_source *timer;
        unsigned tries;
} RunIn;

static RunIn *run_in_free(RunIn *i) {
        if (!i)
                return NULL;
        sd_event_source_disable_unref(i->timer);
        free(i->name);
        message_free(i->request);
        free(i);
        return NULL;
}
DEFINE_CLEANUP(RunIn *, run_in_free)

static int check_not_deleted(Container *c, sd_bus_error *error) {
        if (c->deleting || job_find_target(c->manager, JOB_DELETE, c->name))
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is being deleted.", c->name);
        return 0;
}

int session_open(Container *c, const Message *request, int *ret_fd, sd_bus_error *error) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        switch (container_state(c)) {

        case CONTAINER_STOPPED:
        case CONTAINER_FAILED:
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_RUNNING, "Container '%s' is not running.", c->name);

        case CONTAINER_FROZEN:
                if (!job_copies(c->manager, c->name))
                        return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is frozen. Thaw it first.", c->name);
                break; /* the supervisor starts it when the job lets go */

        case CONTAINER_STARTING: /* the supervisor decides whether it is far enough */
        case CONTAINER_RUNNING:
        case CONTAINER_STOPPING:
        case _CONTAINER_STATE_MAX:
        case _CONTAINER_STATE_INVALID:
                break;
        }

        r = control_open(c->name, request, &fd, error);
        if (r < 0)
                return r;
        r = fd_set_nonblock(fd, false);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int start_supervisor(RunIn *i);

static void run_in_failed(RunIn *i, const sd_bus_error *error) {
        Container *c = table_get(&i->manager->containers, i->name);

        if (c)
                container_set_run_in(c, false);
        i->done(i->userdata, -EBADF, error);
        run_in_free(i);
}

static int on_try_again(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        RunIn *i = userdata;
        int r;

        r = start_supervisor(i);
        if (r < 0) {
                sd_bus_error_set_errno(&error, r);
                run_in_failed(i, &error);
        }
        return 0;
}

/* A unit that is over is unloaded a moment later, and until then its name is taken. */
static bool try_again(RunIn *i, const sd_bus_error *error) {
        if (!sd_bus_error_has_name(error, "org.freedesktop.systemd1.UnitExists") || ++i->tries > UNIT_GONE_TRIES)
                return false;
        i->timer = sd_event_source_disable_unref(i->timer);
        return sd_event_add_time_relative(i->manager->event, &i->timer, CLOCK_MONOTONIC, UNIT_GONE_USEC, USEC_PER_MSEC, on_try_again, i) >= 0;
}

static void on_supervisor_started(void *userdata, const UnitOutcome *outcome) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *sentence = NULL;
        _cleanup_close_ int fd = -EBADF;
        RunIn *i = userdata;
        const char *reason;

        if (outcome->error && try_again(i, outcome->error))
                return;
        if (outcome->error)
                sd_bus_error_setf(&error, BERTH_ERROR_START_FAILED, "No command can be run in container '%s': %s", i->name, outcome->error->message);
        else if (!streq(outcome->result, "done")) {
                reason = startswith(outcome->status, "error ");
                if (reason && string_escape(reason, &sentence) >= 0)
                        sd_bus_error_set(&error, BERTH_ERROR_START_FAILED, sentence);
                else
                        sd_bus_error_setf(&error, BERTH_ERROR_START_FAILED, "No command can be run in container '%s': its supervisor failed (%s).",
                                          i->name, *outcome->service_result ? outcome->service_result : outcome->result);
        } else if (control_open(i->name, i->request, &fd, &error) >= 0)
                (void) fd_set_nonblock(fd, false);

        if (fd < 0 && !sd_bus_error_is_set(&error))
                sd_bus_error_set_errno(&error, -ENOMEM);
        if (!outcome->result || !streq(outcome->result, "done")) {
                run_in_failed(i, &error);
                return;
        }
        i->done(i->userdata, fd, fd < 0 ? &error : NULL);
        run_in_free(i);
}

/* As berth-generator has it of a user's container. */
static int append_owner(const RunIn *i, sd_bus_message *m) {
        const Container *c = table_get(&i->manager->containers, i->name);
        char slice[BERTH_SLICE_MAX], service[64], directory[64];
        int r;

        if (!c || c->record.owner == 0)
                return 0;
        snprintf(service, sizeof service, "user@%u.service", c->record.owner);
        snprintf(directory, sizeof directory, "user-runtime-dir@%u.service", c->record.owner);
        r = systemd_append_property(m, "Slice", "s", container_slice(NULL, c->record.owner, slice));
        if (r >= 0)
                r = systemd_append_property(m, "After", "as", 1, service);
        return r < 0 ? r : systemd_append_property(m, "StopPropagatedFrom", "as", 2, service, directory);
}

static int start_supervisor(RunIn *i) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *unit = NULL, *description = NULL, *directory = NULL;
        const char *argv[] = { SUPERVISOR, "--run-in", i->name, NULL };
        Systemd *s = i->manager->systemd;
        int r;

        /* As berth@.service has it: the supervisor makes namespaces and must find an untouched world. */
        const struct {
                const char *name, *value;
        } texts[] = {
                { "Type", "notify" },
                { "NotifyAccess", "main" },
                { "KillMode", "mixed" },
                { "CollectMode", "inactive-or-failed" },
                { "RuntimeDirectoryPreserve", "no" },
                { "StandardOutput", "journal" },
                { "StandardError", "journal" },
        };

        if (asprintf(&unit, "berth-run-%s.service", i->name) < 0 || asprintf(&description, "A command in container %s", i->name) < 0 ||
            asprintf(&directory, "berth/%s", i->name) < 0)
                return -ENOMEM;
        r = systemd_new_transient(s, unit, description, &m);
        for (size_t k = 0; r >= 0 && k < ELEMENTSOF(texts); k++)
                r = systemd_append_property(m, texts[k].name, "s", texts[k].value);
        if (r >= 0)
                r = append_owner(i, m);
        if (r >= 0)
                r = systemd_append_property(m, "RuntimeDirectory", "as", 1, directory);
        if (r >= 0)
                r = systemd_append_property(m, "RuntimeDirectoryMode", "u", 0700U);
        if (r >= 0)
                r = systemd_append_exec(m, (char **) argv);
        return r < 0 ? r : systemd_start_transient(s, unit, m, on_supervisor_started, i);
}

int session_run_in(Container *c, Message *request, SessionDone done, void *userdata, sd_bus_error *error) {
        _cleanup_(run_in_freep) RunIn *i = NULL;
        int r;

        assert(c && request && done);

        if (c->unit_state != CONTAINER_STOPPED && c->unit_state != CONTAINER_FAILED)
                return sd_bus_error_setf(error, BERTH_ERROR_ALREADY_RUNNING, "Container '%s' is %s. Use exec instead.", c->name,
                                         container_state_to_string(container_state(c)));
        r = check_not_deleted(c, error);
        if (r < 0)
                return r;

        i = calloc(1, sizeof *i);
        if (!i)
                return -ENOMEM;
        *i = (RunIn) { .manager = c->manager, .done = done, .userdata = userdata };
        i->name = strdup(c->name);
        if (!i->name)
                return -ENOMEM;
        i->request = request;
        r = start_supervisor(i);
        if (r < 0) {
                i->request = NULL; /* stays the caller's */
                return r;
        }
        /* From now on, not only when PID 1 says so. */
        container_set_run_in(c, true);
        TAKE_PTR(i);
        return 0;
}
