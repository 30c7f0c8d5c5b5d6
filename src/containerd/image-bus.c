/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/image-bus.h"

#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "containerd/alias.h"
#include "containerd/container.h"
#include "containerd/job.h"
#include "containerd/limits.h"
#include "containerd/manager-bus.h"
#include "containerd/reply.h"
#include "shared/bus-names.h"
#include "shared/image-archive.h"

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

static int start_change(Call *call, const Image *i, Message *request, sd_bus_message *m, sd_bus_error *error) {
        int r = message_add(request, "fingerprint", i->fingerprint);

        return r < 0 ? r : reply_later(m, job_start(call->manager, JOB_IMAGE, i->fingerprint, call->uid, sd_bus_message_get_sender(m), request,
                                                    reply_when_job_done, sd_bus_message_ref(m), NULL, error));
}

int image_bus_set(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_strv_ char **settings = NULL, **unset = NULL;
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = sd_bus_message_read_strv(m, &settings);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &unset);
        if (r < 0)
                return r;
        if (strv_length(settings) + strv_length(unset) > PROPERTIES_PER_CALL_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "At most %u properties can be changed in one call.", PROPERTIES_PER_CALL_MAX);
        r = message_new(&request);
        if (r >= 0)
                r = message_add_strv(request, "setting", settings);
        if (r >= 0)
                r = message_add_strv(request, "unset", unset);
        if (r == -E2BIG)
                return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "The properties are too long for one call.");
        return r < 0 ? r : start_change(call, object, request, m, error);
}

int image_bus_get_metadata(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_free_ char *text = NULL;
        Image *i = object;
        int r;

        (void) image_load(i, -EBADF);
        r = store_image_text(i->fingerprint, &i->record, &text);
        if (r < 0)
                return sd_bus_error_setf(error, BERTH_ERROR_JOB_FAILED, "The metadata of image '%.12s' cannot be read: %s", i->fingerprint, strerror(-r));
        return sd_bus_reply_method_return(m, "s", text);
}

int image_bus_replace_metadata(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *text, *before;
        int r;

        r = sd_bus_message_read(m, "ss", &text, &before);
        if (r < 0)
                return r;
        if (strlen(text) > SETTINGS_TEXT_MAX || strlen(before) > SETTINGS_TEXT_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "The metadata of an image that is edited has at most %u KiB.", SETTINGS_TEXT_MAX >> 10);
        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "text", text);
        if (r >= 0)
                r = message_add(request, "before", before);
        return r < 0 ? r : start_change(call, object, request, m, error);
}

/* The caller gets the files themselves, to read as fast as he can: no process has to stand between. That they stay on disk for as long as he keeps
 * them open is as with any file. */
int image_bus_export(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_strv_ char **kinds = NULL;
        Image *i = object;
        int r;

        (void) image_load(i, -EBADF);
        for (const char *p = i->record.archives ?: ""; *p && strv_length(kinds) < IMAGE_ARCHIVES_MAX; p += strspn(p, " ")) {
                size_t n = strcspn(p, " ");

                r = strv_extendf(&kinds, "%.*s", (int) n, p);
                if (r < 0)
                        return r;
                p += n;
        }
        if (!kinds)
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_SUPPORTED, "The file that image '%.12s' was imported from was not kept (KeepArchives= in berth.conf). "
                                         "An image of a container made from it can be published.", i->fingerprint);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, kinds);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "h");
        for (size_t k = 0; r >= 0 && k < strv_length(kinds); k++) {
                _cleanup_close_ int fd = store_open_image_archive(i->fingerprint, k);

                if (fd < 0)
                        return sd_bus_error_setf(error, BERTH_ERROR_JOB_FAILED, "The file that image '%.12s' was imported from cannot be opened: %s", i->fingerprint,
                                                 strerror(-fd));
                r = sd_bus_message_append_basic(reply, 'h', &fd);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
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
                manager_bus_properties_changed(i->manager, path, BERTH_IMAGE_INTERFACE, "Aliases", "Description", "Public");
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

int image_bus_append_properties(sd_bus_message *reply, const Image *i) {
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

static int property_properties(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, _unused_ const char *property,
                               sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        return image_bus_append_properties(reply, userdata);
}

/* Those that the caller sees. */
static int property_used_by(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, _unused_ const char *property,
                            sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        Image *i = userdata;
        int r;

        (void) manager_refresh_containers(i->manager);
        r = sd_bus_message_open_container(reply, 'a', "s");
        TABLE_FOREACH(Container, c, &i->manager->containers) {
                (void) container_load(c, -EBADF);
                if (r >= 0 && streq_ptr(c->record.image, i->fingerprint) && gate_shows(i->manager->gate, c->record.owner))
                        r = sd_bus_message_append_basic(reply, 's', c->name);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_last_used(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, _unused_ const char *property,
                              sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        return sd_bus_message_append(reply, "t", store_image_used_usec(((Image *) userdata)->fingerprint));
}

static int property_flag(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, const char *property,
                         sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        const Image *i = userdata;

        return sd_bus_message_append(reply, "b", streq(property, "Public") ? i->record.public :
                                                 streq(property, "Cached") ? i->record.cached : i->record.auto_update);
}

/* As 'berthctl pull' would be told it. */
static int property_source(_unused_ sd_bus *bus, _unused_ const char *path, _unused_ const char *interface, _unused_ const char *property,
                           sd_bus_message *reply, void *userdata, _unused_ sd_bus_error *error) {
        const ImageRecord *r = &((const Image *) userdata)->record;
        _cleanup_free_ char *name = NULL;

        if (!r->remote || !r->remote_image)
                return sd_bus_message_append(reply, "s", r->source ?: "");
        return asprintf(&name, "%s:%s", r->remote, r->remote_image) < 0 ? -ENOMEM : sd_bus_message_append(reply, "s", name);
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
        if (!image_shows(i))
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
                if (!image_shows(i))
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
        SD_BUS_PROPERTY("Description", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Public", "b", property_flag, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
        SD_BUS_PROPERTY("Architecture", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Type", "s", property_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("SizeBytes", "t", NULL, RECORD(size_bytes), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("RootfsBytes", "t", NULL, RECORD(rootfs_bytes), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("CreatedUSec", "t", NULL, RECORD(created_usec), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("UploadedUSec", "t", NULL, RECORD(uploaded_usec), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ExpiresUSec", "t", NULL, RECORD(expires_usec), 0),
        SD_BUS_PROPERTY("LastUsedUSec", "t", property_last_used, 0, 0),
        SD_BUS_PROPERTY("AutoUpdate", "b", property_flag, 0, 0),
        SD_BUS_PROPERTY("Cached", "b", property_flag, 0, 0),
        SD_BUS_PROPERTY("Source", "s", property_source, 0, 0),
        SD_BUS_PROPERTY("Owner", "u", NULL, RECORD(owner), SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("UsedBy", "as", property_used_by, 0, 0),
        SD_BUS_PROPERTY("Properties", "a{ss}", property_properties, 0, 0),
        SD_BUS_METHOD_WITH_ARGS("Remove", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Set", SD_BUS_ARGS("as", assignments, "as", unset), SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetMetadata", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", text), gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ReplaceMetadata", SD_BUS_ARGS("s", text, "s", before), SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Export", SD_BUS_NO_ARGS, SD_BUS_RESULT("as", kinds, "ah", files), gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AddAlias", SD_BUS_ARGS("s", alias), SD_BUS_NO_RESULT, gate_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

const sd_bus_vtable *image_bus_vtable(void) {
        return vtable;
}
