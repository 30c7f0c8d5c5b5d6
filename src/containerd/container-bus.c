/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/container-bus.h"

#include <stdio.h>

#include "basic/strv.h"
#include "containerd/creation.h"
#include "containerd/deletion.h"
#include "containerd/manager-bus.h"
#include "containerd/operation.h"
#include "containerd/options.h"
#include "containerd/quota.h"
#include "containerd/renaming.h"
#include "containerd/reply.h"
#include "containerd/settings-bus.h"
#include "settings/settings.h"
#include "shared/bus-names.h"
#include "shared/names.h"

int container_bus_path(const char *name, char **ret) {
        return sd_bus_path_encode(BERTH_CONTAINER_PATH, name, ret);
}

int container_bus_get(_unused_ Call *call, void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_free_ char *path = NULL;
        int r = container_bus_path(((Container *) object)->name, &path);

        return r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
}

int container_bus_check_running(const Call *call, Container *c, sd_bus_error *error) {
        if (call->uid == 0 || c->starting || c->run_in_active || (c->unit_state != CONTAINER_STOPPED && c->unit_state != CONTAINER_FAILED))
                return 0;
        (void) container_load(c, -EBADF);
        return quota_check(c->manager, QUOTA_RUNNING, c->record.owner, error);
}

int container_bus_start(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        int r = container_bus_check_running(call, object, error);

        if (r < 0)
                return r;
        return reply_later(m, operation_start(object, START_UNTIL_READY, reply_when_done, sd_bus_message_ref(m), error));
}

static int read_stop_options(sd_bus_message *m, StopOptions *ret, sd_bus_error *error) {
        StopOptions o = { .timeout_usec = USEC_INFINITY };
        const Option options[] = {
                { "force", 'b', &o.force },
                { "timeout_usec", 't', &o.timeout_usec },
        };
        int r;

        r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r >= 0)
                *ret = o;
        return r;
}

int container_bus_stop(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        StopOptions o;
        int r = read_stop_options(m, &o, error);

        return r < 0 ? r : reply_later(m, operation_stop(object, &o, reply_when_done, sd_bus_message_ref(m), error));
}

int container_bus_restart(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        StopOptions o;
        int r = read_stop_options(m, &o, error);

        return r < 0 ? r : reply_later(m, operation_restart(object, &o, reply_when_done, sd_bus_message_ref(m), error));
}

int container_bus_reboot(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        return reply_later(m, operation_reboot(object, reply_when_done, sd_bus_message_ref(m), error));
}

int container_bus_kill(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *whom;
        int signal, r;

        r = sd_bus_message_read(m, "si", &whom, &signal);
        if (r < 0)
                return r;
        if (!streq(whom, "leader") && !streq(whom, "all"))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "A signal goes to 'leader' or to 'all'.");
        if (signal < 1 || signal > SIGNAL_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_INVALID_ARGUMENT, "There is no signal %d.", signal);
        return reply_later(m, operation_kill(object, streq(whom, "leader"), signal, reply_when_done, sd_bus_message_ref(m), error));
}

int container_bus_freeze(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        return reply_later(m, operation_freeze(object, true, reply_when_done, sd_bus_message_ref(m), error));
}

int container_bus_thaw(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        return reply_later(m, operation_freeze(object, false, reply_when_done, sd_bus_message_ref(m), error));
}

/* Settings that cannot be read protect nothing: such a container must be deletable. */
static int check_protection(const Container *c, sd_bus_error *error) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *sentence = NULL;

        if (settings_load(c->name, &s, &sentence) < 0 || !s->protect_delete)
                return 0;
        return sd_bus_error_setf(error, BERTH_ERROR_PROTECTED, "Container '%s' is protected from deletion by ProtectDelete=.", c->name);
}

int container_bus_delete(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        bool force = false;
        const Option options[] = { { "force", 'b', &force } };
        int r;

        r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r >= 0)
                r = check_protection(object, error);
        if (r < 0)
                return r;
        return reply_later(m, deletion_start(object, force, call->uid, sd_bus_message_get_sender(m), reply_when_done, sd_bus_message_ref(m), error));
}

int container_bus_clone(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_strv_ char **settings = NULL;
        bool ephemeral = false;
        const char *name, *snapshot = NULL, *store = NULL;
        const Option options[] = {
                { "ephemeral", 'b', &ephemeral },
                { "snapshot", 's', &snapshot },
                { "store", 's', &store },
        };
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &settings);
        if (r >= 0)
                r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r >= 0)
                r = settings_bus_check(call, settings, NULL, error);
        return r < 0 ? r : creation_clone(call, object, snapshot, name, settings, ephemeral, store, m, error);
}

int container_bus_rename(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *new_name;
        int r;

        r = sd_bus_message_read(m, "s", &new_name);
        return r < 0 ? r : reply_later(m, renaming_start(object, new_name, call->uid, sd_bus_message_get_sender(m), reply_when_done, sd_bus_message_ref(m), error));
}

int container_bus_move(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        Container *c = object;
        const char *store;
        int r;

        r = sd_bus_message_read(m, "s", &store);
        if (r >= 0)
                r = container_new_request(c, &request, error);
        if (r >= 0)
                r = message_add(request, "store", store);
        return r < 0 ? r : reply_later(m, job_start(call->manager, JOB_MOVE, c->name, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                                    sd_bus_message_ref(m), NULL, error));
}

int container_bus_enable(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        return reply_later(m, operation_enable(object, true, reply_when_done, sd_bus_message_ref(m), error));
}

int container_bus_disable(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        return reply_later(m, operation_enable(object, false, reply_when_done, sd_bus_message_ref(m), error));
}

void container_bus_new(Container *c) {
        _cleanup_free_ char *path = NULL;

        if (!c->manager->started || container_bus_path(c->name, &path) < 0)
                return;
        manager_bus_object_added(c->manager, path, BERTH_CONTAINER_INTERFACE);
        manager_bus_signal(c->manager, "ContainerNew", "so", c->name, path);
}

void container_bus_removed(Manager *m, const char *name) {
        _cleanup_free_ char *path = NULL;

        if (!m->started || container_bus_path(name, &path) < 0)
                return;
        manager_bus_signal(m, "ContainerRemoved", "so", name, path);
        manager_bus_object_removed(m, path, BERTH_CONTAINER_INTERFACE);
}

void container_bus_changed(Container *c, const char *first, const char *second, const char *third) {
        _cleanup_free_ char *path = NULL;

        if (c->manager->started && container_bus_path(c->name, &path) >= 0)
                manager_bus_properties_changed(c->manager, path, BERTH_CONTAINER_INTERFACE, first, second, third);
}

#define PROPERTY(name) \
        static int property_##name(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, \
                                   _unused_ const char *property, sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error)

PROPERTY(state) {
        return sd_bus_message_append(reply, "s", container_state_to_string(container_state(userdata)));
}

PROPERTY(leader) {
        return sd_bus_message_append(reply, "u", (uint32_t) container_leader(userdata));
}

PROPERTY(uid_base) {
        return sd_bus_message_append(reply, "u", container_uid_base(userdata));
}

PROPERTY(encrypted) {
        return sd_bus_message_append(reply, "b", ((Container *) userdata)->record.encrypted);
}

PROPERTY(ephemeral) {
        return sd_bus_message_append(reply, "b", ((Container *) userdata)->record.ephemeral);
}

PROPERTY(privileged) {
        return sd_bus_message_append(reply, "b", container_privileged(userdata, true));
}

PROPERTY(enabled) {
        return sd_bus_message_append(reply, "b", container_enabled(userdata));
}

PROPERTY(operating_system) {
        return sd_bus_message_append(reply, "s", container_operating_system(userdata));
}

PROPERTY(unit) {
        _cleanup_free_ char *unit = NULL;
        Container *c = userdata;
        int r = streq(property, "Unit") ? container_unit(c->name, &unit) : container_scope(c->name, &unit);

        return r < 0 ? r : sd_bus_message_append(reply, "s", unit);
}

static int find_container(_unused_ sd_bus *bus, const char *path, _unused_ const char *interface, void *userdata, void **found,
                          _unused_ sd_bus_error *error) {
        _cleanup_free_ char *name = NULL;
        Manager *m = userdata;
        Container *c;
        int r;

        r = sd_bus_path_decode(path, BERTH_CONTAINER_PATH, &name);
        if (r <= 0)
                return r;
        c = table_get(&m->containers, name);
        if (!c)
                return 0;
        (void) container_load(c, -EBADF);
        if (!gate_shows(m->gate, c->record.owner))
                return 0;
        *found = c;
        return 1;
}

static int enumerate_containers(_unused_ sd_bus *bus, _unused_ const char *prefix, void *userdata, char ***ret_nodes,
                                _unused_ sd_bus_error *error) {
        _cleanup_strv_ char **paths = NULL;
        Manager *m = userdata;
        int r;

        r = manager_refresh_containers(m);
        if (r < 0)
                return r;
        TABLE_FOREACH(Container, c, &m->containers) {
                char *path;

                (void) container_load(c, -EBADF);
                if (!gate_shows(m->gate, c->record.owner))
                        continue;
                r = container_bus_path(c->name, &path);
                if (r >= 0)
                        r = strv_consume(&paths, path);
                if (r < 0)
                        return r;
        }
        *ret_nodes = TAKE_PTR(paths);
        return 0;
}

int container_bus_add(Manager *m) {
        int r;

        r = sd_bus_add_fallback_vtable(m->bus, NULL, BERTH_CONTAINER_PATH, BERTH_CONTAINER_INTERFACE, container_bus_vtable(), find_container, m);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(m->bus, NULL, BERTH_CONTAINER_PATH, enumerate_containers, m);
}

#define RECORD(field) offsetof(Container, record.field)
#define METHOD(name, args, result) SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS args, SD_BUS_RESULT result, gate_method, SD_BUS_VTABLE_UNPRIVILEGED)
#define METHOD_PLAIN(name) SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED)
#define METHOD_NO_RESULT(name, args) SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS args, SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Name", "s", NULL, offsetof(Container, name), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", property_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Image", "s", NULL, RECORD(image), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Leader", "u", property_leader, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Owner", "u", NULL, RECORD(owner), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("UUID", "s", NULL, RECORD(uuid), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Store", "s", NULL, RECORD(store), 0),
        SD_BUS_PROPERTY("UIDBase", "u", property_uid_base, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("CreatedUSec", "t", NULL, RECORD(created_usec), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Description", "s", NULL, RECORD(description), SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Encrypted", "b", property_encrypted, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Ephemeral", "b", property_ephemeral, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Privileged", "b", property_privileged, 0, 0),
        SD_BUS_PROPERTY("Enabled", "b", property_enabled, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Unit", "s", property_unit, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Scope", "s", property_unit, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("OperatingSystem", "s", property_operating_system, 0, SD_BUS_VTABLE_PROPERTY_CONST),

        SD_BUS_METHOD_WITH_ARGS("GetStatistics", SD_BUS_NO_ARGS, SD_BUS_RESULT("t", time_usec, "a{st}", statistics), gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        METHOD("Publish", ("a{sv}", options), ("s", fingerprint, "o", image)),
        METHOD("Clone", ("s", new_name, "as", settings, "a{sv}", options), ("s", new_name, "o", container)),
        METHOD_PLAIN("Start"),
        METHOD_NO_RESULT("Stop", ("a{sv}", options)),
        METHOD_NO_RESULT("Restart", ("a{sv}", options)),
        METHOD_PLAIN("Reboot"),
        METHOD_NO_RESULT("Kill", ("s", whom, "i", signal)),
        METHOD_PLAIN("Freeze"),
        METHOD_PLAIN("Thaw"),
        METHOD_NO_RESULT("Delete", ("a{sv}", options)),
        METHOD_NO_RESULT("Rename", ("s", new_name)),
        METHOD_NO_RESULT("ChangeKey", ("h", old_key, "h", new_key)),
        METHOD("Snapshot", ("s", snapshot, "a{sv}", options), ("s", snapshot)),
        METHOD_NO_RESULT("Restore", ("s", snapshot)),
        SD_BUS_METHOD_WITH_ARGS("ListSnapshots", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sttbt)", snapshots), gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        METHOD("GetSnapshotSettings", ("s", snapshot), ("s", text)),
        METHOD_NO_RESULT("Move", ("s", store)),
        METHOD_NO_RESULT("RenameSnapshot", ("s", snapshot, "s", new_name)),
        METHOD_NO_RESULT("SetSnapshotExpiry", ("s", snapshot, "t", expires_usec)),
        METHOD_NO_RESULT("DeleteSnapshots", ("as", snapshots)),
        METHOD_PLAIN("Enable"),
        METHOD_PLAIN("Disable"),
        METHOD("Exec", ("as", argv, "as", environment, "a{sv}", options, "ah", stdio), ("h", session)),
        METHOD("OpenConsole", ("a{sv}", options), ("h", session)),
        METHOD("RunIn", ("as", argv, "as", environment, "a{sv}", options, "ah", stdio), ("h", session)),
        METHOD_NO_RESULT("CopyTo", ("s", path, "h", source, "a{sv}", options)),
        METHOD_NO_RESULT("CopyFrom", ("s", path, "h", destination, "a{sv}", options)),
        METHOD("GetSettings", ("b", effective), ("s", text)),
        METHOD("SetSettings", ("as", assignments, "as", unset), ("as", next_start)),
        METHOD("ReplaceSettings", ("s", text, "s", before), ("as", next_start)),
        SD_BUS_METHOD_WITH_ARGS("GetApplied", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ss)", applied), gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetSettingsFiles", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(ss)", files), gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListDevices", SD_BUS_NO_ARGS, SD_BUS_RESULT("a(sa{ss}b)", devices), gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        METHOD_NO_RESULT("AddDevice", ("s", device, "a{ss}", settings)),
        METHOD_NO_RESULT("AddDisk", ("s", device, "h", source, "a{ss}", settings)),
        METHOD_NO_RESULT("SetDevice", ("s", device, "a{ss}", settings, "as", unset)),
        METHOD_NO_RESULT("RemoveDevice", ("s", device)),
        SD_BUS_VTABLE_END
};

const sd_bus_vtable *container_bus_vtable(void) {
        return vtable;
}
