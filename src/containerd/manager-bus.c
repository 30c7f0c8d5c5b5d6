/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/manager-bus.h"

#include <dirent.h>
#include <stdarg.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
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
#include "settings/settings.h"
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

/* Hundreds of containers whose settings are all read would make a list slow, and hardly ever does a profile say it. */
static bool others_name_privileged(void) {
        static const char *const directories[] = {
                BERTH_CONFIG_DIR "/container.conf.d", BERTH_VENDOR_DIR "/container.conf.d", BERTH_CONFIG_DIR "/profiles", BERTH_VENDOR_DIR "/profiles",
        };
        bool named = false;

        for (size_t i = 0; i < ELEMENTSOF(directories) && !named; i++) {
                DIR *d = opendir(directories[i]);
                struct dirent *de;

                while (d && !named && (de = readdir(d))) {
                        _cleanup_free_ char *text = NULL;

                        if (!endswith(de->d_name, ".conf"))
                                continue;
                        /* What cannot be read here may be a link to anywhere: settings_load() knows what to do with it. */
                        named = path_read(dirfd(d), de->d_name, SETTINGS_FILE_SIZE_MAX, &text, NULL) < 0 || strstr(text, "Privileged");
                }
                if (d)
                        (void) closedir(d);
        }
        return named;
}

static int append_container(sd_bus_message *reply, Container *c, bool others_name_it) {
        _cleanup_free_ char *path = NULL;
        int r = container_bus_path(c->name, &path);

        if (r < 0)
                return r;
        return sd_bus_message_append(reply, "(sssuutsbbo)", c->name, container_state_to_string(container_state(c)), c->record.image ?: "",
                                     (uint32_t) container_leader(c), (uint32_t) c->record.owner, c->record.created_usec,
                                     container_operating_system(c), c->record.ephemeral, container_privileged(c, others_name_it), path);
}

int manager_bus_list_containers(Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_close_ int fd = -EBADF;
        const bool others_name_it = others_name_privileged();
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
        r = sd_bus_message_open_container(reply, 'a', "(sssuutsbbo)");
        if (r < 0)
                return r;
        fd = store_open_containers();
        TABLE_FOREACH(Container, c, &manager->containers) {
                (void) container_load(c, fd);
                if (!gate_shows(manager->gate, c->record.owner))
                        continue;
                r = append_container(reply, c, others_name_it);
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

/* whether it is public, type, owner, properties */
#define IMAGE_MORE "bsua{ss}"

static int append_image(sd_bus_message *reply, const Image *i, const StoreAlias *aliases, size_t n) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = image_bus_path(i->fingerprint, &path);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, 'r', "sasssttto" IMAGE_MORE);
        if (r < 0)
                return r;
        r = sd_bus_message_append_basic(reply, 's', i->fingerprint);
        if (r < 0)
                return r;
        r = manager_bus_append_aliases(reply, aliases, n, i->fingerprint);
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "sstttobsu", i->record.description, i->record.architecture, i->record.size_bytes, i->record.created_usec,
                                  i->record.uploaded_usec, path, i->record.public, i->record.type, (uint32_t) i->record.owner);
        if (r >= 0)
                r = image_bus_append_properties(reply, i);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_images(Manager *manager, sd_bus_message *reply, const StoreAlias *aliases, size_t n) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(sasssttto" IMAGE_MORE ")");
        if (r < 0)
                return r;
        TABLE_FOREACH(Image, i, &manager->images) {
                (void) image_load(i, -EBADF);
                if (!image_shows(i))
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
        CreationOptions creation = { .key_fd = -EBADF };
        const Option options[] = {
                { "ephemeral", 'b', &creation.ephemeral },
                { "force", 'b', &creation.force },
                { "key", 'h', &creation.key_fd },
                { "start_within_usec", 't', &creation.start_within_usec },
                { "store", 's', &creation.store },
        };
        int r;

        r = sd_bus_message_read(m, "ss", &name, &image);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &settings);
        if (r >= 0)
                r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r >= 0)
                r = settings_bus_check(call, settings, NULL, error);
        return r < 0 ? r : creation_start(call, name, image, settings, &creation, m, error);
}

int manager_bus_import_image(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        return import_start(call, m, error);
}

int manager_bus_pull_image(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        return import_pull(call, m, error);
}

int manager_bus_bootstrap_image(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        return import_bootstrap(call, m, error);
}

int manager_bus_add_alias(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *alias, *reference;
        Image *i;
        int r;

        r = sd_bus_message_read(m, "ss", &alias, &reference);
        if (r < 0)
                return r;
        r = image_find(call->manager, reference, false, &i, error);
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

        METHOD_NO_ARGS("ListContainers", ("a(sssuutsbbo)", containers)),
        METHOD_NO_ARGS("ListImages", ("a(sasssttto" IMAGE_MORE ")", images)),
        METHOD_NO_ARGS("ListJobs", ("a(ussdsuo)", jobs)),
        METHOD_NO_ARGS("ListStatistics", ("t", time_usec, "a(sa{st})", statistics)),
        METHOD("GetStatistics", ("s", name), ("t", time_usec, "a{st}", statistics)),
        METHOD("GetContainer", ("s", name), ("o", container)),
        METHOD("GetImage", ("s", image), ("o", path)),
        METHOD("GetJob", ("u", id), ("o", job)),

        METHOD("CreateContainer", ("s", name, "s", image, "as", settings, "a{sv}", options), ("s", name, "o", container)),
        METHOD("CloneContainer", ("s", name, "s", new_name, "as", settings, "a{sv}", options), ("s", new_name, "o", container)),
        METHOD_NO_RESULT("StartContainer", ("s", name)),
        METHOD_NO_RESULT("StopContainer", ("s", name, "a{sv}", options)),
        METHOD_NO_RESULT("RestartContainer", ("s", name, "a{sv}", options)),
        METHOD_NO_RESULT("RebootContainer", ("s", name)),
        METHOD_NO_RESULT("KillContainer", ("s", name, "s", whom, "i", signal)),
        METHOD_NO_RESULT("FreezeContainer", ("s", name)),
        METHOD_NO_RESULT("ThawContainer", ("s", name)),
        METHOD_NO_RESULT("DeleteContainer", ("s", name, "a{sv}", options)),
        METHOD_NO_RESULT("RenameContainer", ("s", name, "s", new_name)),
        METHOD_NO_RESULT("ChangeKey", ("s", name, "h", old_key, "h", new_key)),
        METHOD("SnapshotContainer", ("s", name, "s", snapshot, "a{sv}", options), ("s", snapshot)),
        METHOD_NO_RESULT("RestoreContainer", ("s", name, "s", snapshot)),
        METHOD("ListSnapshots", ("s", name), ("a(sttbt)", snapshots)),
        METHOD_NO_ARGS("ListAllSnapshots", ("a(ssttbt)", snapshots)),
        METHOD("GetSnapshotSettings", ("s", name, "s", snapshot), ("s", text)),
        METHOD_NO_RESULT("MoveContainer", ("s", name, "s", store)),
        METHOD_NO_RESULT("RenameSnapshot", ("s", name, "s", snapshot, "s", new_name)),
        METHOD_NO_RESULT("SetSnapshotExpiry", ("s", name, "s", snapshot, "t", expires_usec)),
        METHOD_NO_RESULT("DeleteSnapshots", ("s", name, "as", snapshots)),
        METHOD_NO_RESULT("EnableContainer", ("s", name)),
        METHOD_NO_RESULT("DisableContainer", ("s", name)),
        METHOD("ExecContainer", ("s", name, "as", argv, "as", environment, "a{sv}", options, "ah", stdio), ("h", session)),
        METHOD("OpenConsole", ("s", name, "a{sv}", options), ("h", session)),
        METHOD("RunInContainer", ("s", name, "as", argv, "as", environment, "a{sv}", options, "ah", stdio), ("h", session)),
        METHOD_NO_RESULT("CopyTo", ("s", name, "s", path, "h", source, "a{sv}", options)),
        METHOD_NO_RESULT("CopyFrom", ("s", name, "s", path, "h", destination, "a{sv}", options)),
        METHOD("GetSettings", ("s", name, "b", effective), ("s", text)),
        METHOD("SetSettings", ("s", name, "as", assignments, "as", unset), ("as", next_start)),

        METHOD("ReplaceSettings", ("s", name, "s", text, "s", before), ("as", next_start)),
        METHOD("GetSettingsFiles", ("s", name), ("a(ss)", files)),
        METHOD("GetApplied", ("s", name), ("a(ss)", applied)),

        METHOD_NO_ARGS("ListProfiles", ("a(sssbas)", profiles)),
        METHOD("GetProfile", ("s", name), ("s", text, "s", file)),
        METHOD_NO_RESULT("CreateProfile", ("s", name, "s", text)),
        METHOD("SetProfile", ("s", name, "as", assignments, "as", unset), ("as", restart)),
        METHOD("ReplaceProfile", ("s", name, "s", text, "s", before), ("as", restart)),
        METHOD_NO_RESULT("CopyProfile", ("s", name, "s", new_name)),
        METHOD_NO_RESULT("RenameProfile", ("s", name, "s", new_name)),
        METHOD_NO_RESULT("DeleteProfile", ("s", name)),
        METHOD("ListDevices", ("s", name), ("a(sa{ss}b)", devices)),
        METHOD_NO_RESULT("AddDevice", ("s", name, "s", device, "a{ss}", settings)),
        METHOD_NO_RESULT("AddDisk", ("s", name, "s", device, "h", source, "a{ss}", settings)),
        METHOD_NO_RESULT("SetDevice", ("s", name, "s", device, "a{ss}", settings, "as", unset)),
        METHOD_NO_RESULT("RemoveDevice", ("s", name, "s", device)),

        METHOD("WhoAmI", ("s", container), ("u", uid, "a(sss)", verbs, "a(stt)", limits)),
        METHOD_NO_ARGS("GetServerSettings", ("a(sss)", settings)),
        METHOD_NO_RESULT("SetServerSettings", ("as", assignments, "as", unset)),

        METHOD_NO_RESULT("ListStores", ("h", destination)),
        METHOD_NO_RESULT("AddStore", ("s", name, "s", type, "as", settings)),
        METHOD_NO_RESULT("RemoveStore", ("s", name)),

        METHOD("ImportImage", ("ah", files, "a{sv}", options), ("s", fingerprint, "o", image)),
        METHOD("BootstrapImage", ("s", source, "a{sv}", options), ("s", fingerprint, "o", image)),
        METHOD("PullImage", ("s", source, "a{sv}", options), ("s", fingerprint, "o", image)),
        METHOD_NO_ARGS("ListRemotes", ("a(ssss)", remotes)),
        METHOD_NO_RESULT("AddRemote", ("s", name, "s", url, "a{sv}", options)),
        METHOD_NO_RESULT("RemoveRemote", ("s", name)),
        METHOD_NO_RESULT("ListRemoteImages", ("s", remote, "h", destination)),
        METHOD_NO_ARGS("RefreshImages", ("u", removed, "u", renewed)),
        METHOD("PublishContainer", ("s", name, "a{sv}", options), ("s", fingerprint, "o", image)),
        METHOD_NO_RESULT("RemoveImage", ("s", image)),
        METHOD_NO_RESULT("SetImage", ("s", image, "as", assignments, "as", unset)),
        METHOD("GetImageMetadata", ("s", image), ("s", text)),
        METHOD_NO_RESULT("ReplaceImageMetadata", ("s", image, "s", text, "s", before)),
        METHOD("ExportImage", ("s", image), ("as", kinds, "ah", files)),
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
