/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/job-bus.h"

#include <stdio.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/container.h"
#include "containerd/image-bus.h"
#include "containerd/image.h"
#include "containerd/manager-bus.h"
#include "containerd/reply.h"
#include "shared/bus-names.h"

int job_bus_path(unsigned id, char **ret) {
        return asprintf(ret, BERTH_JOB_PATH "/%u", id) < 0 ? -ENOMEM : 0;
}

int job_bus_get(_unused_ Call *call, void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_free_ char *path = NULL;
        int r = job_bus_path(((Job *) object)->id, &path);

        return r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
}

int job_bus_cancel(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        return reply_later(m, job_cancel(object, reply_when_done, sd_bus_message_ref(m), error));
}

/* Signals about a job come twice: to everybody whom the bus policy lets hear all of them (root), and to the client whose job it is. */
static void tell_client(const Job *j, const char *member, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_free_ char *path = NULL;
        va_list ap;
        int r;

        if (!*j->client)
                return;
        r = job_bus_path(j->id, &path);
        if (r >= 0)
                r = sd_bus_message_new_signal(j->manager->bus, &m, path, BERTH_JOB_INTERFACE, member);
        if (r >= 0) {
                va_start(ap, types);
                r = sd_bus_message_appendv(m, types, ap);
                va_end(ap);
        }
        if (r >= 0)
                r = sd_bus_message_set_destination(m, j->client);
        if (r >= 0)
                r = sd_bus_send(j->manager->bus, m, NULL);
        if (r < 0)
                log_debug_errno(r, "Cannot tell %s of job %u, ignoring: %m", j->client, j->id);
}

void job_bus_new(Job *j) {
        _cleanup_free_ char *path = NULL;

        if (!j->manager->started || job_bus_path(j->id, &path) < 0)
                return;
        manager_bus_object_added(j->manager, path, BERTH_JOB_INTERFACE);
        manager_bus_signal(j->manager, "JobNew", "uosss", j->id, path, job_kind_to_string(j->kind), j->target, j->client);
        tell_client(j, "Started", "uss", j->id, job_kind_to_string(j->kind), j->target);
}

void job_bus_changed(Job *j) {
        _cleanup_free_ char *path = NULL;

        if (!j->manager->started || job_bus_path(j->id, &path) < 0)
                return;
        manager_bus_properties_changed(j->manager, path, BERTH_JOB_INTERFACE, "Progress", "Status", NULL);
        tell_client(j, "Progressed", "ds", j->progress, j->status);
}

void job_bus_removed(Job *j, const sd_bus_error *error) {
        const char *result = !error ? "done" : streq(error->name, BERTH_ERROR_CANCELLED) ? "cancelled" : "failed";
        const char *message = error ? error->message : "";
        _cleanup_free_ char *path = NULL;

        if (!j->manager->started || job_bus_path(j->id, &path) < 0)
                return;
        manager_bus_signal(j->manager, "JobRemoved", "uoss", j->id, path, result, message);
        manager_bus_object_removed(j->manager, path, BERTH_JOB_INTERFACE);
        tell_client(j, "Finished", "ss", result, message);
}

void job_bus_target_changed(const Job *j) {
        Manager *m = j->manager;

        if (j->kind == JOB_CONFIGURE) {
                Container *c = table_get(&m->containers, j->target);

                if (c)
                        container_bus_changed(c, "Description", NULL, NULL);
        } else
                TABLE_FOREACH(Image, i, &m->images)
                        image_bus_changed(i);
}

static int property_kind(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, _unused_ const char *property,
                         sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", job_kind_to_string(((Job *) userdata)->kind));
}

static int find_job(_unused_ sd_bus *bus, const char *path, _unused_ const char *interface, void *userdata, void **found,
                    _unused_ sd_bus_error *error) {
        _cleanup_free_ char *name = NULL;
        Manager *m = userdata;
        uint32_t id;
        Job *j;
        int r;

        r = sd_bus_path_decode(path, BERTH_JOB_PATH, &name);
        if (r <= 0)
                return r;
        if (parse_u32(name, UINT32_MAX, &id) < 0 || !(j = job_find(m, id)) || !gate_shows(m->gate, j->owner))
                return 0;
        *found = j;
        return 1;
}

static int enumerate_jobs(_unused_ sd_bus *bus, _unused_ const char *prefix, void *userdata, char ***ret_nodes, _unused_ sd_bus_error *error) {
        _cleanup_strv_ char **paths = NULL;
        Manager *m = userdata;
        int r;

        for (size_t i = 0; i < JOBS_MAX; i++) {
                if (!m->jobs[i] || !gate_shows(m->gate, m->jobs[i]->owner))
                        continue;
                r = strv_extendf(&paths, BERTH_JOB_PATH "/%u", m->jobs[i]->id);
                if (r < 0)
                        return r;
        }
        *ret_nodes = TAKE_PTR(paths);
        return 0;
}

int job_bus_add(Manager *m) {
        int r;

        r = sd_bus_add_fallback_vtable(m->bus, NULL, BERTH_JOB_PATH, BERTH_JOB_INTERFACE, job_bus_vtable(), find_job, m);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(m->bus, NULL, BERTH_JOB_PATH, enumerate_jobs, m);
}

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Id", "u", NULL, offsetof(Job, id), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Kind", "s", property_kind, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Target", "s", NULL, offsetof(Job, target), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Progress", "d", NULL, offsetof(Job, progress), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Status", "s", NULL, offsetof(Job, status), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Owner", "u", NULL, offsetof(Job, owner), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Unit", "s", NULL, offsetof(Job, unit), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Started", SD_BUS_ARGS("u", id, "s", kind, "s", target), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Progressed", SD_BUS_ARGS("d", progress, "s", status), 0),
        SD_BUS_SIGNAL_WITH_ARGS("Finished", SD_BUS_ARGS("s", result, "s", message), 0),
        SD_BUS_VTABLE_END
};

const sd_bus_vtable *job_bus_vtable(void) {
        return vtable;
}
