/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/renaming.h"

#include <assert.h>
#include <string.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/job.h"
#include "containerd/unit-reload.h"
#include "shared/bus-names.h"
#include "shared/names.h"

typedef struct Renaming {
        Manager *manager; /* borrowed, outlives us */
        char *name, *new_name;
        char *unit, *new_unit;
        bool enabled;
        Done done;        /* may be NULL */
        void *userdata;
} Renaming;

static Renaming *renaming_free(Renaming *r) {
        if (!r)
                return NULL;
        free(r->name);
        free(r->new_name);
        free(r->unit);
        free(r->new_unit);
        free(r);
        return NULL;
}
DEFINE_CLEANUP(Renaming *, renaming_free)

static void finish(Renaming *r, const sd_bus_error *error) {
        if (r->done)
                r->done(r->userdata, error);
        renaming_free(r);
}

static void on_reloaded(void *userdata, _unused_ sd_bus_message *reply, _unused_ const sd_bus_error *error) {
        finish(userdata, NULL);
}

/* What the generator made of its settings is under the other name then. */
static void reload(Renaming *r) {
        if (unit_reload(r->manager, on_reloaded, r) < 0)
                finish(r, NULL);
}

static void on_disabled(void *userdata, _unused_ sd_bus_message *reply, const sd_bus_error *error) {
        Renaming *r = userdata;

        if (error)
                log_warning("'%s' is still to be started at boot, though it has another name: %s", r->unit, error->message);
        reload(r);
}

static void on_enabled(void *userdata, _unused_ sd_bus_message *reply, const sd_bus_error *error) {
        Renaming *r = userdata;

        if (error)
                log_warning("'%s' is not started at boot, as '%s' was: %s", r->new_unit, r->unit, error->message);
        if (systemd_call(r->manager->systemd, on_disabled, r, "DisableUnitFiles", "asb", 1, r->unit, false) < 0)
                reload(r);
}

static void on_renamed(void *userdata, _unused_ const Job *job, const sd_bus_error *error) {
        Renaming *r = userdata;

        if (error) {
                finish(r, error);
                return;
        }
        (void) systemd_call(r->manager->systemd, NULL, NULL, "ResetFailedUnit", "s", r->unit);
        if (!r->enabled || systemd_call(r->manager->systemd, on_enabled, r, "EnableUnitFiles", "asbb", 1, r->new_unit, false, false) < 0)
                reload(r);
}

int renaming_start(Container *c, const char *new_name, uid_t uid, const char *client, Done done, void *userdata, sd_bus_error *error) {
        _cleanup_(renaming_freep) Renaming *r = NULL;
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_free_ char *sentence = NULL;
        Container *other;
        int k;

        assert(c && new_name && client);

        if (!container_name_valid(new_name))
                return container_name_explain(new_name, &sentence) < 0 ? -ENOMEM : sd_bus_error_set(error, BERTH_ERROR_INVALID_NAME, sentence);
        if (manager_find_container(c->manager, new_name, &other) >= 0)
                return sd_bus_error_setf(error, BERTH_ERROR_CONTAINER_EXISTS, "There is a container '%s' already.", new_name);
        if (c->unit_state != CONTAINER_STOPPED && c->unit_state != CONTAINER_FAILED)
                return sd_bus_error_setf(error, BERTH_ERROR_ALREADY_RUNNING, "Container '%s' is %s: it can be renamed when it is stopped.", c->name,
                                         container_state_to_string(container_state(c)));
        k = container_new_request(c, &request, error);
        if (k >= 0)
                k = message_add(request, "new-name", new_name);
        if (k < 0)
                return k;
        r = calloc(1, sizeof *r);
        if (!r)
                return -ENOMEM;
        *r = (Renaming) { .manager = c->manager, .done = done, .userdata = userdata };
        r->name = strdup(c->name);
        r->new_name = strdup(new_name);
        if (!r->name || !r->new_name || container_unit(c->name, &r->unit) < 0 || container_unit(new_name, &r->new_unit) < 0)
                return -ENOMEM;
        r->enabled = container_enabled_by_hand(c);
        k = job_start(c->manager, JOB_RENAME, c->name, uid, client, request, on_renamed, r, NULL, error);
        if (k < 0)
                return k;
        TAKE_PTR(r);
        return 0;
}
