/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/import.h"

#include <string.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/alias.h"
#include "containerd/container.h"
#include "containerd/fd-check.h"
#include "containerd/image-bus.h"
#include "containerd/job.h"
#include "containerd/options.h"
#include "containerd/quota.h"
#include "containerd/reply.h"
#include "shared/bus-names.h"
#include "shared/names.h"

#define IMPORT_FILES_MAX 2U
#define SOURCE_MAX 1000U
#define PACKAGES_MAX 200U

static int read_files(sd_bus_message *m, Message *request, sd_bus_error *error) {
        size_t n;
        int r;

        r = fd_check_array(m, IMPORT_FILES_MAX, request, &n, error);
        if (r < 0)
                return r;
        if (n < 1 || n > IMPORT_FILES_MAX)
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "An image is one file, or two: metadata and root file system.");
        return sd_bus_message_exit_container(m);
}

static int read_aliases(sd_bus_message *m, _unused_ const char *name, Message *request) {
        _cleanup_strv_ char **aliases = NULL;
        int r;

        r = sd_bus_message_enter_container(m, 'v', "as");
        if (r < 0)
                return r;
        r = sd_bus_message_read_strv(m, &aliases);
        if (r < 0)
                return r;
        if (strv_length(aliases) > ALIASES_PER_CALL_MAX)
                return -E2BIG;
        r = message_add_strv(request, "alias", aliases);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_properties(sd_bus_message *m, _unused_ const char *name, Message *request) {
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'v', "a{ss}");
        if (r < 0)
                return r;
        r = sd_bus_message_enter_container(m, 'a', "{ss}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "ss")) > 0) {
                const char *key, *value;

                r = sd_bus_message_read(m, "ss", &key, &value);
                if (r < 0)
                        return r;
                if (++n > PROPERTIES_PER_CALL_MAX)
                        return -E2BIG;
                /* They become lines of image.conf. */
                if (isempty(key) || strpbrk(key, "=\n[]#; \t") || strchr(value, '\n'))
                        return -EBADMSG;
                r = message_addf(request, "property", "%s=%s", key, value);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* It is read, or written, as whoever opened it. The request says which of its fds it is. */
static int read_fd(sd_bus_message *m, const char *name, Message *request) {
        int fd, r;

        if (message_get(request, name))
                return -E2BIG;
        r = sd_bus_message_read(m, "v", "h", &fd);
        if (r >= 0)
                r = message_addf(request, name, "%zu", request->n_fds);
        return r < 0 ? r : message_add_fd(request, fd);
}

static int read_packages(sd_bus_message *m, _unused_ const char *name, Message *request) {
        _cleanup_strv_ char **packages = NULL;
        int r;

        r = sd_bus_message_enter_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &packages);
        if (r >= 0 && strv_length(packages) > PACKAGES_MAX)
                r = -E2BIG;
        if (r >= 0)
                r = message_add_strv(request, "include", packages);
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int read_other(sd_bus_message *m, const char *name, void *userdata) {
        /* of: the field by which a request is one that this is an option of; NULL: of all. */
        static const struct {
                const char *name, *of;
                int (*read)(sd_bus_message *m, const char *name, Message *request);
        } options[] = {
                { "aliases", NULL, read_aliases },
                { "properties", NULL, read_properties },
                { "key", "name", read_fd },
                { "keyring", "source", read_fd },
                { "keyring", "family", read_fd },
                { "log", "family", read_fd },
                { "include", "family", read_packages },
        };

        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                if (streq(options[i].name, name) && (!options[i].of || message_get(userdata, options[i].of))) {
                        int r = options[i].read(m, name, userdata);

                        return r < 0 ? r : 1;
                }
        return 0;
}

static int read_options(const Call *call, sd_bus_message *m, JobKind kind, Message *request, sd_bus_error *error) {
        _cleanup_strv_ char **aliases = NULL;
        const char *description = NULL, *compression = NULL, *verify = NULL, *snapshot = NULL;
        bool public = false, force = false, cached = false, auto_update = false;
        const char *mirror = NULL, *variant = NULL;
        /* The rows of a kind lie beside each other. */
        const Option all[] = {
                { "snapshot", 's', &snapshot },       /* publish */
                { "compression", 's', &compression }, /* publish, bootstrap */
                { "description", 's', &description },
                { "public", 'b', &public },
                { "verify", 's', &verify },           /* pull */
                { "force", 'b', &force },
                { "cached", 'b', &cached },
                { "auto-update", 'b', &auto_update },
        };
        const Option building[] = { all[1], all[2], all[3], { "mirror", 's', &mirror }, { "variant", 's', &variant } };
        const size_t first = kind == JOB_PUBLISH ? 0 : 2, end = kind == JOB_PULL ? ELEMENTSOF(all) : 4;
        int r;

        r = kind == JOB_BOOTSTRAP ? options_read(m, building, ELEMENTSOF(building), read_other, request, error) :
            options_read(m, all + first, end - first, read_other, request, error);
        if (r == -E2BIG)
                return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "Too many aliases, properties or packages in one call.");
        if (r == -EBADMSG && !sd_bus_error_is_set(error))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                        "A property has a name without '=', brackets and blanks, and a value of one line.");
        if (r < 0)
                return r;

        if (description) {
                if (strlen(description) >= TEXT_BYTES_MAX || strchr(description, '\n'))
                        return sd_bus_error_setf(error, BERTH_ERROR_INVALID_ARGUMENT, "A description is one line of less than %u bytes.", TEXT_BYTES_MAX);
                r = message_add(request, "description", description);
                if (r < 0)
                        return r;
        }
        if (public && call->own)
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "An image that everybody sees is the administrator's to make.");
        r = message_add(request, "public", public ? "1" : "0");
        if (r >= 0 && compression)
                r = message_add(request, "compression", compression);
        if (r >= 0 && mirror)
                r = message_add(request, "mirror", mirror);
        if (r >= 0 && variant)
                r = message_add(request, "variant", variant);
        if (r >= 0 && verify)
                r = message_add(request, "verify", verify);
        if (r >= 0 && force)
                r = message_add(request, "force", "1");
        if (r >= 0 && cached)
                r = message_add(request, "cached", "1");
        if (r >= 0 && auto_update)
                r = message_add(request, "auto-update", "1");
        if (r >= 0 && snapshot)
                r = message_add(request, "snapshot", snapshot);
        if (r >= 0)
                r = message_get_strv(request, "alias", &aliases);
        if (r < 0)
                return r;
        STRV_FOREACH(a, aliases) {
                r = alias_check(call->manager, *a, error);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void on_imported(void *userdata, const Job *job, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = userdata;
        const char *fingerprint = job->result ? startswith(job->result, "fingerprint=") : NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        if (error)
                r = sd_bus_reply_method_error(m, error);
        else if (!fingerprint || !fingerprint_valid(fingerprint))
                r = sd_bus_reply_method_errorf(m, BERTH_ERROR_JOB_FAILED, "The import job did not say which image it made.");
        else {
                r = image_bus_path(fingerprint, &path);
                if (r >= 0)
                        r = sd_bus_reply_method_return(m, "so", fingerprint, path);
        }
        if (r < 0)
                log_debug_errno(r, "Cannot answer a call of ImportImage, ignoring: %m");
}

static int check_room(const Call *call, sd_bus_error *error) {
        Manager *manager = call->manager;
        int r = manager_refresh_images(manager);

        if (r < 0)
                return r;
        if (manager->images.n >= IMAGES_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "There are %u images, the most there can be.", IMAGES_MAX);
        r = manager_refresh_containers(manager);
        return r < 0 ? r : quota_check_image(manager, call->uid, error);
}

static int start(Call *call, JobKind kind, const char *target, Message *request, sd_bus_message *m, sd_bus_error *error) {
        Manager *manager = call->manager;
        uint64_t room = quota_room(manager, call->uid);
        Job *job = NULL;
        int r;

        r = message_add(request, "keep-archive", server_get_number(&manager->server, SERVER_KEEP_ARCHIVES) ? "1" : "0");
        if (r >= 0 && room != UINT64_MAX)
                r = message_addf(request, "room", "%llu", (unsigned long long) room);
        if (r < 0)
                return r;
        r = job_start(manager, kind, target, call->uid, sd_bus_message_get_sender(m), request, on_imported, sd_bus_message_ref(m), &job, error);
        if (r >= 0 && room != UINT64_MAX)
                job->room = room;
        return reply_later(m, r);
}

int import_start(Call *call, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = check_room(call, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = read_files(m, request, error);
        if (r >= 0)
                r = read_options(call, m, JOB_IMPORT, request, error);
        return r < 0 ? r : start(call, JOB_IMPORT, message_get(request, "alias") ?: "", request, m, error);
}

int import_pull(Call *call, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *source;
        int r;

        r = sd_bus_message_read(m, "s", &source);
        if (r < 0)
                return r;
        if (isempty(source) || strlen(source) > SOURCE_MAX || strpbrk(source, "\n\t "))
                return sd_bus_error_setf(error, BERTH_ERROR_INVALID_ARGUMENT, "What is pulled is a URL, or REMOTE:IMAGE, of at most %u characters.", SOURCE_MAX);
        r = check_room(call, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "source", source);
        if (r >= 0)
                r = read_options(call, m, JOB_PULL, request, error);
        if (r >= 0 && request->n_fds > 1)
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "There is more than one keyring.");
        return r < 0 ? r : start(call, JOB_PULL, source, request, m, error);
}

int import_publish(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        Container *c = object;
        int r;

        r = check_room(call, error);
        if (r >= 0)
                r = container_new_request(c, &request, error);
        if (r >= 0)
                r = read_options(call, m, JOB_PUBLISH, request, error);
        if (r >= 0)
                r = container_add_key(c, request, -EBADF, error);
        if (r >= 0 && request->n_fds > 0)
                r = fd_check(request->fds[0], error);
        return r < 0 ? r : start(call, JOB_PUBLISH, c->name, request, m, error);
}

/* Whether there is such a distribution is known by who builds it. */
int import_bootstrap(Call *call, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_free_ char *family = NULL;
        const char *source, *slash;
        int r;

        r = sd_bus_message_read(m, "s", &source);
        if (r < 0)
                return r;
        slash = strchr(source, '/');
        if (!slash || !alias_valid(source))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "What is built is DISTRIBUTION/RELEASE, such as debian/trixie.");
        family = strndup(source, (size_t) (slash - source));
        if (!family)
                return -ENOMEM;
        r = check_room(call, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "family", family);
        if (r >= 0)
                r = message_add(request, "release", slash + 1);
        if (r >= 0)
                r = read_options(call, m, JOB_BOOTSTRAP, request, error);
        return r < 0 ? r : start(call, JOB_BOOTSTRAP, source, request, m, error);
}
