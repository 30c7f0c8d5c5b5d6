/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/snapshot-bus.h"

#include <string.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/job.h"
#include "containerd/options.h"
#include "containerd/quota.h"
#include "containerd/reply.h"
#include "containerd/restoration.h"
#include "containerd/snapshot.h"
#include "settings/settings.h"
#include "shared/bus-names.h"
#include "shared/names.h"

static int check_name(const char *name, sd_bus_error *error) {
        _cleanup_free_ char *sentence = NULL;

        if (snapshot_name_valid(name))
                return 0;
        return snapshot_name_explain(name, &sentence) < 0 ? -ENOMEM : sd_bus_error_set(error, BERTH_ERROR_INVALID_NAME, sentence);
}

/* It runs since the last boot where the package was there then; hosts where nothing expires do without. */
static void start_timer(Manager *m) {
        (void) systemd_call(m->systemd, NULL, NULL, "StartUnit", "ss", "berth-expire.timer", "fail");
}

static void reply_taken(void *userdata, const Job *job, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = userdata;
        const char *result = job && job->result ? startswith(job->result, "name=") : NULL;
        _cleanup_free_ char *name = strdup(result ?: "");
        char *end = name ? strchr(name, ' ') : NULL;
        int r;

        if (end) {
                *end = 0;
                start_timer(job->manager);
        }
        r = error ? sd_bus_reply_method_error(m, error) : sd_bus_reply_method_return(m, "s", name ?: "");
        if (r < 0)
                log_debug_errno(r, "Cannot answer a call of SnapshotContainer, ignoring: %m");
}

int snapshot_bus_take(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        uint64_t expires = UINT64_MAX;
        bool stateful = false, scheduled = false;
        const Option options[] = {
                { "expires_usec", 't', &expires },
                { "scheduled", 'b', &scheduled },
                { "stateful", 'b', &stateful },
        };
        Container *c = object;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r >= 0 && *name)
                r = check_name(name, error);
        if (r < 0)
                return r;
        if (stateful)
                return sd_bus_error_set(error, BERTH_ERROR_NOT_SUPPORTED, "A snapshot is of the files alone (stateless): the memory of processes that run cannot be kept.");
        (void) container_load(c, -EBADF);
        if (call->uid != 0 || scheduled) {
                r = quota_check_snapshot(c->manager, c->record.owner, error);
                if (r < 0)
                        return r;
        }
        r = container_new_request(c, &request, error);
        if (r >= 0)
                r = message_add(request, "snapshot", name);
        if (r >= 0 && expires != UINT64_MAX)
                r = message_addf(request, "expires", "%llu", (unsigned long long) expires);
        if (r >= 0 && scheduled)
                r = message_add(request, "scheduled", "1");
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_SNAPSHOT, c->name, call->uid, sd_bus_message_get_sender(m), request, reply_taken,
                                        sd_bus_message_ref(m), NULL, error));
}

int snapshot_bus_restore(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = check_name(name, error);
        if (r < 0)
                return r;
        return reply_later(m, restoration_start(object, name, call->uid, sd_bus_message_get_sender(m), reply_when_done, sd_bus_message_ref(m), error));
}

int snapshot_bus_list(_unused_ Call *call, void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(snapshots_done) Snapshots snapshots = {};
        int r;

        r = snapshots_read(((Container *) object)->name, &snapshots);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sttbt)");
        for (size_t i = 0; r >= 0 && i < snapshots.n; i++) {
                const Snapshot *s = snapshots.items + i;

                r = sd_bus_message_append(reply, "(sttbt)", s->name, s->conf.created_usec, s->conf.expires_usec, (int) s->conf.stateful, s->size_bytes);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int snapshot_bus_list_all(_unused_ Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Manager *manager = call->manager;
        int r;

        r = manager_refresh_containers(manager);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssttbt)");
        TABLE_FOREACH(Container, c, &manager->containers) {
                _cleanup_(snapshots_done) Snapshots snapshots = {};

                (void) container_load(c, -EBADF);
                if (r < 0 || !gate_shows(manager->gate, c->record.owner) || snapshots_read(c->name, &snapshots) < 0)
                        continue;
                for (size_t i = 0; r >= 0 && i < snapshots.n; i++) {
                        const Snapshot *s = snapshots.items + i;

                        r = sd_bus_message_append(reply, "(ssttbt)", c->name, s->name, s->conf.created_usec, s->conf.expires_usec, (int) s->conf.stateful, s->size_bytes);
                }
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int snapshot_bus_get_settings(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_free_ char *text = NULL;
        Container *c = object;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = check_name(name, error);
        if (r < 0)
                return r;
        r = snapshot_read_settings(c->name, name, &text);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_SNAPSHOT, "Container '%s' has no snapshot '%s'.", c->name, name);
        return r < 0 ? r : sd_bus_reply_method_return(m, "s", text);
}

static int change(Call *call, Container *c, sd_bus_message *m, const char *snapshot, const char *key, const char *value, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = check_name(snapshot, error);
        if (r >= 0)
                r = container_new_request(c, &request, error);
        if (r >= 0)
                r = message_add(request, "snapshot", snapshot);
        if (r >= 0)
                r = message_add(request, key, value);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_CHANGE_SNAPSHOT, c->name, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                        sd_bus_message_ref(m), NULL, error));
}

int snapshot_bus_rename(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *name, *new_name;
        int r;

        r = sd_bus_message_read(m, "ss", &name, &new_name);
        if (r >= 0)
                r = check_name(new_name, error);
        return r < 0 ? r : change(call, object, m, name, "new-name", new_name, error);
}

int snapshot_bus_set_expiry(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        char text[DECIMAL_MAX];
        const char *name;
        uint64_t expires;
        int r;

        r = sd_bus_message_read(m, "st", &name, &expires);
        if (r < 0)
                return r;
        snprintf(text, sizeof text, "%llu", (unsigned long long) expires);
        if (expires > 0)
                start_timer(call->manager);
        return change(call, object, m, name, "expires", text, error);
}

int snapshot_bus_delete(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_strv_ char **names = NULL;
        Container *c = object;
        int r;

        r = sd_bus_message_read_strv(m, &names);
        STRV_FOREACH(n, names)
                if (r >= 0)
                        r = check_name(*n, error);
        if (r < 0)
                return r;
        if (strv_length(names) > SNAPSHOTS_PER_CONTAINER_MAX)
                return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "More snapshots are named than a container can have.");
        r = container_new_request(c, &request, error);
        if (r >= 0)
                r = message_add_strv(request, "snapshot", names);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_DELETE_SNAPSHOTS, c->name, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                        sd_bus_message_ref(m), NULL, error));
}
