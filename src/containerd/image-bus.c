/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/image-bus.h"

#include "basic/strv.h"
#include "containerd/alias.h"
#include "containerd/job.h"
#include "containerd/manager-bus.h"
#include "containerd/reply.h"
#include "shared/bus-names.h"

int image_bus_path(const char *fingerprint, char **ret) {
        return sd_bus_path_encode(BERTH_IMAGE_PATH, fingerprint, ret);
}

int image_bus_get(_unused_ Call *call, void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_free_ char *path = NULL;
        int r = image_bus_path(((Image *) object)->fingerprint, &path);

        return r < 0 ? r : sd_bus_reply_method_return(m, "o", path);
}

int image_bus_remove(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        Image *i = object;
        int r;

        if (job_find_target(call->manager, JOB_REMOVE_IMAGE, i->fingerprint))
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Image '%.12s' is being removed.", i->fingerprint);
        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "fingerprint", i->fingerprint);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_REMOVE_IMAGE, i->fingerprint, call->uid, sd_bus_message_get_sender(m), request,
                                        reply_when_job_done, sd_bus_message_ref(m), NULL, error));
}

int image_bus_add_alias(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *alias;
        int r;

        r = sd_bus_message_read(m, "s", &alias);
        return r < 0 ? r : alias_add(call, alias, object, m, error);
}

void image_bus_new(Image *i) {
        _cleanup_free_ char *path = NULL;

        if (!i->manager->started || image_bus_path(i->fingerprint, &path) < 0)
                return;
        manager_bus_object_added(i->manager, path, BERTH_IMAGE_INTERFACE);
        manager_bus_signal(i->manager, "ImageNew", "so", i->fingerprint, path);
}

void image_bus_changed(Image *i) {
        _cleanup_free_ char *path = NULL;

        if (i->manager->started && image_bus_path(i->fingerprint, &path) >= 0)
                manager_bus_properties_changed(i->manager, path, BERTH_IMAGE_INTERFACE, "Aliases", NULL, NULL);
}

void image_bus_removed(Manager *m, const char *fingerprint) {
        _cleanup_free_ char *path = NULL;

        if (!m->started || image_bus_path(fingerprint, &path) < 0)
                return;
        manager_bus_signal(m, "ImageRemoved", "so", fingerprint, path);
        manager_bus_object_removed(m, path, BERTH_IMAGE_INTERFACE);
}

static int property_aliases(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, _unused_ const char *property,
                            sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        StoreAlias *aliases = NULL;
        Image *i = userdata;
        size_t n = 0;
        int r;

        r = store_list_aliases(&aliases, &n);
        if (r < 0)
                return r;
        r = manager_bus_append_aliases(reply, aliases, n, i->fingerprint);
        store_aliases_free(aliases, n);
        return r;
}

static int property_text(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        Image *i = userdata;
        const char *s = streq(property, "Description") ? i->record.description :
                        streq(property, "Architecture") ? i->record.architecture : i->record.type;

        return sd_bus_message_append(reply, "s", s);
}

static int property_properties(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, _unused_ const char *property,
                               sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        Image *i = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{ss}");
        if (r < 0)
                return r;
        STRV_FOREACH(p, i->record.properties) {
                size_t n = strcspn(*p, "=");
                _cleanup_free_ char *key = strndup(*p, n);

                if (!key)
                        return -ENOMEM;
                r = sd_bus_message_append(reply, "{ss}", key, *p + n + 1);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_close_container(reply);
}

static int find_image(_unused_ sd_bus *bus, const char *path, _unused_ const char *interface, void *userdata, void **found,
                      _unused_ sd_bus_error *error) {
        _cleanup_free_ char *name = NULL;
        Manager *m = userdata;
        Image *i;
        int r;

        r = sd_bus_path_decode(path, BERTH_IMAGE_PATH, &name);
        if (r <= 0)
                return r;
        i = table_get(&m->images, name);
        if (!i)
                return 0;
        (void) image_load(i, -EBADF);
        if (!gate_shows(m->gate, i->record.owner))
                return 0;
        *found = i;
        return 1;
}

static int enumerate_images(_unused_ sd_bus *bus, _unused_ const char *prefix, void *userdata, char ***ret_nodes, _unused_ sd_bus_error *error) {
        _cleanup_strv_ char **paths = NULL;
        Manager *m = userdata;
        int r;

        r = manager_refresh_images(m);
        if (r < 0)
                return r;
        TABLE_FOREACH(Image, i, &m->images) {
                char *path;

                (void) image_load(i, -EBADF);
                if (!gate_shows(m->gate, i->record.owner))
                        continue;
                r = image_bus_path(i->fingerprint, &path);
                if (r >= 0)
                        r = strv_consume(&paths, path);
                if (r < 0)
                        return r;
        }
        *ret_nodes = TAKE_PTR(paths);
        return 0;
}

int image_bus_add(Manager *m) {
        int r;

        r = sd_bus_add_fallback_vtable(m->bus, NULL, BERTH_IMAGE_PATH, BERTH_IMAGE_INTERFACE, image_bus_vtable(), find_image, m);
        if (r < 0)
                return r;
        return sd_bus_add_node_enumerator(m->bus, NULL, BERTH_IMAGE_PATH, enumerate_images, m);
}

#define RECORD(field) offsetof(Image, record.field)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Fingerprint", "s", NULL, offsetof(Image, fingerprint), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Aliases", "as", property_aliases, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Description", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Architecture", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Type", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("SizeBytes", "t", NULL, RECORD(size_bytes), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("RootfsBytes", "t", NULL, RECORD(rootfs_bytes), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("CreatedUSec", "t", NULL, RECORD(created_usec), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("UploadedUSec", "t", NULL, RECORD(uploaded_usec), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Properties", "a{ss}", property_properties, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AddAlias", SD_BUS_ARGS("s", alias), SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

const sd_bus_vtable *image_bus_vtable(void) {
        return vtable;
}
