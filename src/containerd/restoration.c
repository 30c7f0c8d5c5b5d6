/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/restoration.h"

#include <assert.h>
#include <string.h>

#include "basic/strv.h"
#include "containerd/job.h"
#include "containerd/operation.h"
#include "containerd/settings-bus.h"
#include "containerd/snapshot.h"
#include "containerd/unit-reload.h"
#include "settings/settings.h"
#include "shared/bus-names.h"

typedef struct Restoration {
        Manager *manager; /* borrowed, outlives us */
        char *name, *snapshot, *client;
        uid_t uid;
        bool runs;        /* it is started again */
        bool units;       /* PID 1 has to read its settings */
        sd_bus_error error;
        Done done;        /* may be NULL */
        void *userdata;
} Restoration;

static Restoration *restoration_free(Restoration *r) {
        if (!r)
                return NULL;
        sd_bus_error_free(&r->error);
        free(r->name);
        free(r->snapshot);
        free(r->client);
        free(r);
        return NULL;
}
DEFINE_CLEANUP(Restoration *, restoration_free)

/* The first error is the one that counts. */
static void on_finished(void *userdata, const sd_bus_error *error) {
        Restoration *r = userdata;

        if (r->done)
                r->done(r->userdata, sd_bus_error_is_set(&r->error) ? &r->error : error);
        restoration_free(r);
}

static void start_again(Restoration *r) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Container *c = table_get(&r->manager->containers, r->name);
        int k;

        if (!r->runs || !c) {
                on_finished(r, NULL);
                return;
        }
        k = operation_start(c, START_UNTIL_PAYLOAD, on_finished, r, &error);
        if (k < 0) {
                if (!sd_bus_error_is_set(&error))
                        sd_bus_error_set_errno(&error, k);
                on_finished(r, &error);
        }
}

static void on_reloaded(void *userdata, _unused_ sd_bus_message *reply, _unused_ const sd_bus_error *error) {
        start_again(userdata);
}

static bool has_units(const char *name) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *sentence = NULL;

        return settings_load(name, &s, &sentence) >= 0 && settings_have_units(s);
}

static void on_restored(void *userdata, _unused_ const Job *job, const sd_bus_error *error) {
        Restoration *r = userdata;

        if (error)
                (void) sd_bus_error_copy(&r->error, error);
        r->units = r->units || has_units(r->name);
        if (!r->units || unit_reload(r->manager, on_reloaded, r) < 0)
                start_again(r);
}

static void on_stopped(void *userdata, const sd_bus_error *error) {
        _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) Message *request = NULL;
        Restoration *r = userdata;
        int k;

        if (error) {
                on_finished(r, error);
                return;
        }
        k = message_new(&request);
        if (k >= 0)
                k = message_add(request, "name", r->name);
        if (k >= 0)
                k = message_add(request, "snapshot", r->snapshot);
        if (k >= 0)
                k = job_start(r->manager, JOB_RESTORE, r->name, r->uid, r->client, request, on_restored, r, NULL, &e);
        if (k >= 0)
                return;
        if (!sd_bus_error_is_set(&e))
                sd_bus_error_set_errno(&e, k);
        (void) sd_bus_error_copy(&r->error, &e);
        start_again(r);
}

int restoration_start(Container *c, const char *snapshot, uid_t uid, const char *client, Done done, void *userdata, sd_bus_error *error) {
        _cleanup_(restoration_freep) Restoration *r = NULL;
        Snapshots snapshots = {};
        bool is_there;
        int k;

        assert(c && snapshot && client);

        if (c->deleting)
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is being deleted.", c->name);
        /* Before it is stopped for nothing. */
        k = snapshots_read(c->name, &snapshots);
        if (k < 0)
                return k;
        is_there = snapshots_find(&snapshots, snapshot);
        snapshots_done(&snapshots);
        if (!is_there)
                return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_SNAPSHOT, "Container '%s' has no snapshot '%s'.", c->name, snapshot);

        r = calloc(1, sizeof *r);
        if (!r)
                return -ENOMEM;
        *r = (Restoration) { .manager = c->manager, .uid = uid, .done = done, .userdata = userdata };
        r->name = strdup(c->name);
        r->snapshot = strdup(snapshot);
        r->client = strdup(client);
        if (!r->name || !r->snapshot || !r->client)
                return -ENOMEM;
        r->runs = c->unit_state != CONTAINER_STOPPED && c->unit_state != CONTAINER_FAILED;
        r->units = has_units(c->name);
        if (r->runs && container_load(c, -EBADF) >= 0 && c->record.ephemeral)
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_SUPPORTED, "Container '%s' is ephemeral, and would be deleted when it is stopped for the snapshot.", c->name);
        if (r->runs) {
                k = operation_stop(c, &(StopOptions) { .force = true, .timeout_usec = USEC_INFINITY }, on_stopped, r, error);
                if (k < 0)
                        return k;
                TAKE_PTR(r);
                return 0;
        }
        on_stopped(TAKE_PTR(r), NULL);
        return 0;
}
