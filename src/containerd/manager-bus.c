/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/manager-bus.h"

#include <stdarg.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/alias.h"
#include "containerd/container-bus.h"
#include "containerd/container.h"
#include "containerd/creation.h"
#include "containerd/image-bus.h"
#include "containerd/image.h"
#include "containerd/import.h"
#include "containerd/job-bus.h"
#include "containerd/job.h"
#include "containerd/options.h"
#include "containerd/settings-bus.h"
#include "shared/bus-names.h"

void manager_bus_signal(Manager *m, const char *member, const char *types, ...) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *signal = NULL;
        va_list ap;
        int r;

        r = sd_bus_message_new_signal(m->bus, &signal, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, member);
        if (r >= 0) {
                va_start(ap, types);
                r = sd_bus_message_appendv(signal, types, ap);
                va_end(ap);
        }
        if (r >= 0)
                r = sd_bus_send(m->bus, signal, NULL);
        if (r < 0)
                log_debug_errno(r, "Cannot send signal %s, ignoring: %m", member);
}

void manager_bus_object_added(Manager *m, const char *path, const char *interface) {
        int r;

        m->telling = true;
        r = sd_bus_emit_interfaces_added(m->bus, path, interface, NULL);
        m->telling = false;
        if (r < 0)
                log_debug_errno(r, "Cannot tell of new object %s, ignoring: %m", path);
}

void manager_bus_object_removed(Manager *m, const char *path, const char *interface) {
        int r = sd_bus_emit_interfaces_removed(m->bus, path, interface, NULL);

        if (r < 0)
                log_debug_errno(r, "Cannot tell that object %s is gone, ignoring: %m", path);
}

void manager_bus_properties_changed(Manager *m, const char *path, const char *interface, const char *first, const char *second, const char *third) {
        int r;

        m->telling = true;
        r = sd_bus_emit_properties_changed(m->bus, path, interface, first, second, third, NULL);
        m->telling = false;
        if (r < 0)
                log_debug_errno(r, "Cannot tell of changes of %s, ignoring: %m", path);
}

static int append_container(sd_bus_message *reply, Container *c) {
        _cleanup_free_ char *path = NULL;
        int r = container_bus_path(c->name, &path);

        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "(sssuutso)", c->name, container_state_to_string(container_state(c)), c->record.image ?: "",
                                     (uint32_t) container_leader(c), (uint32_t) c->record.owner, c->record.created_usec,
                                     container_operating_system(c), path);
}

int manager_bus_list_containers(Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_close_ int fd = -EBADF;
        Manager *manager = call->manager;
        int r;

        r = manager_refresh_containers(manager);
        if (r < 0)
                return r;
        r = manager_refresh_images(manager);
        if (r < 0)
                return r;
        TABLE_FOREACH(Image, i, &manager->images)
                (void) image_load(i, -EBADF);

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(sssuutso)");
        if (r < 0)
                return r;
        fd = store_open_containers();
        TABLE_FOREACH(Container, c, &manager->containers) {
                (void) container_load(c, fd);
                if (!gate_shows(manager->gate, c->record.owner))
                        continue;
                r = append_container(reply, c);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int manager_bus_append_aliases(sd_bus_message *reply, const StoreAlias *aliases, size_t n, const char *fingerprint) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        if (r < 0)
                return r;
        for (size_t i = 0; i < n; i++) {
                if (!streq(aliases[i].fingerprint, fingerprint))
                        continue;
                r = sd_bus_message_append_basic(reply, 's', aliases[i].alias);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(reply);
}

static int append_image(sd_bus_message *reply, const Image *i, const StoreAlias *aliases, size_t n) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = image_bus_path(i->fingerprint, &path);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'r', "sasssttto");
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(reply, 's', i->fingerprint);
        if (r < 0)
                return r;
        r = manager_bus_append_aliases(reply, aliases, n, i->fingerprint);
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "ssttto", i->record.description, i->record.architecture, i->record.size_bytes, i->record.created_usec,
                                  i->record.uploaded_usec, path);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_images(Manager *manager, sd_bus_message *reply, const StoreAlias *aliases, size_t n) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(sasssttto)");
        if (r < 0)
                return r;
        TABLE_FOREACH(Image, i, &manager->images) {
                (void) image_load(i, -EBADF);
                if (!gate_shows(manager->gate, i->record.owner))
                        continue;
                r = append_image(reply, i, aliases, n);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(reply);
}

int manager_bus_list_images(Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        StoreAlias *aliases = NULL;
        size_t n = 0;
        int r;

        r = manager_refresh_images(call->manager);
        if (r < 0)
                return r;
        r = store_list_aliases(&aliases, &n);
        if (r < 0)
                return r;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_images(call->manager, reply, aliases, n);
        store_aliases_free(aliases, n);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int manager_bus_list_jobs(Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        Manager *manager = call->manager;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'a', "(ussdsuo)");
        if (r < 0)
                return r;
        for (size_t i = 0; i < JOBS_MAX; i++) {
                _cleanup_free_ char *path = NULL;
                const Job *j = manager->jobs[i];

                if (!j || !gate_shows(manager->gate, j->owner))
                        continue;
                r = job_bus_path(j->id, &path);
                if (r >= 0)
                        r = sd_bus_message_append(reply, "(ussdsuo)", j->id, job_kind_to_string(j->kind), j->target, j->progress, j->status,
                                                  (uint32_t) j->owner, path);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int manager_bus_create_container(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_strv_ char **settings = NULL;
        const char *name, *image;
        bool ephemeral = false;
        const Option options[] = { { "ephemeral", 'b', &ephemeral } };
        int r;

        r = sd_bus_message_read(m, "ss", &name, &image);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &settings);
        if (r >= 0)
                r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r >= 0)
                r = settings_bus_check(call, settings, NULL, error);
        return r < 0 ? r : creation_start(call, name, image, settings, ephemeral, m, error);
}

int manager_bus_import_image(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        return import_start(call, m, error);
}

int manager_bus_add_alias(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *alias, *reference;
        Image *i;
        int r;

        r = sd_bus_message_read(m, "ss", &alias, &reference);
        if (r < 0)
                return r;
        r = manager_find_image(call->manager, reference, &i);
        if (r == -ENOTUNIQ)
                return sd_bus_error_setf(error, BERTH_ERROR_AMBIGUOUS_IMAGE, "More than one image begins with '%s'.", reference);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_IMAGE, "There is no image '%s'.", reference);
        return r < 0 ? r : alias_add(call, alias, i, m, error);
}

int manager_bus_remove_alias(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *alias;
        int r = sd_bus_message_read(m, "s", &alias);

        return r < 0 ? r : alias_remove(call, alias, m, error);
}

static int property_version(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, _unused_ const char *property,
                            sd_bus_message *reply, _unused_ void *userdata, _unused_ sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", BERTH_VERSION);
}

int manager_bus_add(Manager *m) {
        int r;

        r = sd_bus_add_object_manager(m->bus, NULL, BERTH_BUS_PATH);
        if (r < 0)
                return r;
        return sd_bus_add_object_vtable(m->bus, NULL, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, manager_bus_vtable(), m);
}

#define METHOD(name, args, result) SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS args, SD_BUS_RESULT result, gate_method, SD_BUS_VTABLE_UNPRIVILEGED)
#define METHOD_NO_ARGS(name, result) SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_NO_ARGS, SD_BUS_RESULT result, gate_method, SD_BUS_VTABLE_UNPRIVILEGED)
#define METHOD_NO_RESULT(name, args) SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS args, SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED)
#define SIGNAL(name, args) SD_BUS_SIGNAL_WITH_ARGS(name, SD_BUS_ARGS args, 0)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", property_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),

        METHOD_NO_ARGS("ListContainers", ("a(sssuutso)", containers)),
        METHOD_NO_ARGS("ListImages", ("a(sasssttto)", images)),
        METHOD_NO_ARGS("ListJobs", ("a(ussdsuo)", jobs)),
        METHOD("GetContainer", ("s", name), ("o", container)),
        METHOD("GetImage", ("s", image), ("o", path)),
        METHOD("GetJob", ("u", id), ("o", job)),

        METHOD("CreateContainer", ("s", name, "s", image, "as", settings, "a{sv}", options), ("s", name, "o", container)),
        METHOD_NO_RESULT("StartContainer", ("s", name)),
        METHOD_NO_RESULT("StopContainer", ("s", name, "a{sv}", options)),
        METHOD_NO_RESULT("RestartContainer", ("s", name, "a{sv}", options)),
        METHOD_NO_RESULT("RebootContainer", ("s", name)),
        METHOD_NO_RESULT("KillContainer", ("s", name, "s", whom, "i", signal)),
        METHOD_NO_RESULT("FreezeContainer", ("s", name)),
        METHOD_NO_RESULT("ThawContainer", ("s", name)),
        METHOD_NO_RESULT("DeleteContainer", ("s", name, "a{sv}", options)),
        METHOD_NO_RESULT("EnableContainer", ("s", name)),
        METHOD_NO_RESULT("DisableContainer", ("s", name)),
        METHOD("ExecContainer", ("s", name, "as", argv, "as", environment, "a{sv}", options, "ah", stdio), ("h", session)),
        METHOD("OpenConsole", ("s", name, "a{sv}", options), ("h", session)),
        METHOD("RunInContainer", ("s", name, "as", argv, "as", environment, "a{sv}", options, "ah", stdio), ("h", session)),
        METHOD_NO_RESULT("CopyTo", ("s", name, "s", path, "h", source, "a{sv}", options)),
        METHOD_NO_RESULT("CopyFrom", ("s", name, "s", path, "h", destination, "a{sv}", options)),
        METHOD("GetSettings", ("s", name, "b", effective), ("s", text)),
        METHOD("SetSettings", ("s", name, "as", assignments, "as", unset), ("as", next_start)),

        METHOD("ImportImage", ("ah", files, "a{sv}", options), ("s", fingerprint, "o", image)),
        METHOD_NO_RESULT("RemoveImage", ("s", image)),
        METHOD_NO_RESULT("AddAlias", ("s", alias, "s", image)),
        METHOD_NO_RESULT("RemoveAlias", ("s", alias)),
        METHOD_NO_RESULT("CancelJob", ("u", id)),

        SIGNAL("ContainerNew", ("s", name, "o", container)),
        SIGNAL("ContainerRemoved", ("s", name, "o", container)),
        SIGNAL("ImageNew", ("s", fingerprint, "o", image)),
        SIGNAL("ImageRemoved", ("s", fingerprint, "o", image)),
        SIGNAL("JobNew", ("u", id, "o", job, "s", kind, "s", target, "s", client)),
        SIGNAL("JobRemoved", ("u", id, "o", job, "s", result, "s", message)),
        SD_BUS_VTABLE_END
};

const sd_bus_vtable *manager_bus_vtable(void) {
        return vtable;
}
