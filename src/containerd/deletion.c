/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/deletion.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/log.h"
#include "containerd/job.h"
#include "containerd/operation.h"
#include "containerd/unit-reload.h"
#include "shared/bus-names.h"
#include "shared/names.h"

typedef struct Deletion {
        Manager *manager; /* borrowed, outlives us */
        char *name;
        char *unit, *scope;
        char *client;
        uid_t uid;
        Done done;        /* may be NULL */
        void *userdata;
} Deletion;

static Deletion *deletion_free(Deletion *d) {
        if (!d)
                return NULL;
        free(d->name);
        free(d->unit);
        free(d->scope);
        free(d->client);
        free(d);
        return NULL;
}
DEFINE_CLEANUP(Deletion *, deletion_free)

static void deletion_finish(Deletion *d, const sd_bus_error *error) {
        Container *c = table_get(&d->manager->containers, d->name);

        /* It is still there if a step failed: then everything may be tried again. */
        if (c)
                c->deleting = false;
        if (d->done)
                d->done(d->userdata, error);
        deletion_free(d);
}

static void on_forgotten(void *userdata, _unused_ sd_bus_message *reply, _unused_ const sd_bus_error *error) {
        deletion_finish(userdata, NULL);
}

static void on_removed(void *userdata, _unused_ const Job *job, const sd_bus_error *error) {
        Deletion *d = userdata;

        /* PID 1 forgets the unit's failure, and a scope whose supervisor died before it could see to it. */
        if (!error) {
                (void) systemd_call(d->manager->systemd, NULL, NULL, "ResetFailedUnit", "s", d->unit);
                (void) systemd_call(d->manager->systemd, NULL, NULL, "StopUnit", "ss", d->scope, "replace");
                /* Another container of the same name would be given what was made of its settings. */
                if (unit_reload_has_drop_in(d->name) && unit_reload(d->manager, on_forgotten, d) >= 0)
                        return;
        }
        deletion_finish(d, error);
}

static void remove_files(Deletion *d) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "name", d->name);
        if (r >= 0)
                r = job_start(d->manager, JOB_DELETE, d->name, d->uid, d->client, request, on_removed, d, NULL, &error);
        if (r < 0) {
                if (!sd_bus_error_is_set(&error))
                        sd_bus_error_set_errno(&error, r);
                deletion_finish(d, &error);
        }
}

static void on_reloaded(void *userdata, _unused_ sd_bus_message *reply, _unused_ const sd_bus_error *error) {
        remove_files(userdata);
}

static void on_disabled(void *userdata, _unused_ sd_bus_message *reply, const sd_bus_error *error) {
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        Deletion *d = userdata;

        if (error) {
                sd_bus_error_setf(&e, BERTH_ERROR_JOB_FAILED, "Container '%s' cannot be taken out of the boot: %s", d->name, error->message);
                deletion_finish(d, &e);
                return;
        }
        if (systemd_call(d->manager->systemd, on_reloaded, d, "Reload", "") < 0)
                remove_files(d);
}

static void disable(Deletion *d) {
        Container *c = table_get(&d->manager->containers, d->name);

        /* A link that is left would start a new container of the same name at the next boot. */
        if (!c || !container_enabled(c) ||
            systemd_call(d->manager->systemd, on_disabled, d, "DisableUnitFiles", "asb", 1, d->unit, false) < 0)
                remove_files(d);
}

static void on_stopped(void *userdata, const sd_bus_error *error) {
        Deletion *d = userdata;

        if (error)
                deletion_finish(d, error);
        else
                disable(d);
}

int deletion_start(Container *c, bool force, uid_t uid, const char *client, Done done, void *userdata, sd_bus_error *error) {
        _cleanup_(deletion_freep) Deletion *d = NULL;
        bool runs;
        int r;

        assert(c && client);

        if (c->deleting || job_find_target(c->manager, JOB_DELETE, c->name))
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is being deleted.", c->name);
        runs = c->unit_state != CONTAINER_STOPPED && c->unit_state != CONTAINER_FAILED;
        if (runs && !force)
                return sd_bus_error_setf(error, BERTH_ERROR_ALREADY_RUNNING, "Container '%s' is %s, and is not deleted unless by force.", c->name,
                                         container_state_to_string(container_state(c)));

        d = calloc(1, sizeof *d);
        if (!d)
                return -ENOMEM;
        *d = (Deletion) { .manager = c->manager, .uid = uid, .done = done, .userdata = userdata };
        d->name = strdup(c->name);
        d->client = strdup(client);
        if (!d->name || !d->client || container_unit(c->name, &d->unit) < 0 || container_scope(c->name, &d->scope) < 0)
                return -ENOMEM;

        if (runs) {
                r = operation_stop(c, &(StopOptions) { .force = true, .timeout_usec = USEC_INFINITY }, on_stopped, d, error);
                if (r < 0)
                        return r;
                c->deleting = true;
                TAKE_PTR(d);
                return 0;
        }
        c->deleting = true;
        disable(TAKE_PTR(d));
        return 0;
}

static void on_reaped(_unused_ void *userdata, const sd_bus_error *error) {
        if (error)
                log_warning("An ephemeral container could not be deleted: %s", error->message);
}

/* Whoever made it was about to start it, and is not there to do so any more: for too long, or since before the host was booted. */
static bool is_abandoned(const Container *c) {
        uint64_t now = clock_usec(CLOCK_REALTIME), up = clock_usec(CLOCK_BOOTTIME);

        return c->record.start_before_usec > 0 && (c->record.start_before_usec < now || c->record.created_usec < now - MIN_OF(up, now));
}

void deletion_reap(Container *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        bool started;
        int r;

        if (c->deleting || (c->unit_state != CONTAINER_STOPPED && c->unit_state != CONTAINER_FAILED))
                return;
        if (container_load(c, -EBADF) < 0 || !c->record.ephemeral)
                return;
        started = store_container_was_started(c->name);
        /* One that has never been started waits for its first start. */
        if (!started && !is_abandoned(c))
                return;
        log_info(started ? "Ephemeral container '%s' has ended, deleting it" : "Nobody has started the ephemeral container '%s', deleting it", c->name);
        r = deletion_start(c, false, c->record.owner, "", on_reaped, NULL, &error);
        if (r < 0)
                log_warning_errno(r, "Cannot delete ephemeral container '%s': %s", c->name, error.message ?: strerror(-r));
}
