/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/import.h"

#include <string.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/alias.h"
#include "containerd/fd-check.h"
#include "containerd/image-bus.h"
#include "containerd/job.h"
#include "containerd/options.h"
#include "containerd/reply.h"
#include "shared/bus-names.h"
#include "shared/names.h"

#define IMPORT_FILES_MAX 2U

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

static int read_aliases(sd_bus_message *m, Message *request) {
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

static int read_properties(sd_bus_message *m, Message *request) {
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

static int read_other(sd_bus_message *m, const char *name, void *userdata) {
        int r = streq(name, "aliases") ? read_aliases(m, userdata) : streq(name, "properties") ? read_properties(m, userdata) : -ENOENT;

        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

static int read_options(sd_bus_message *m, Message *request, sd_bus_error *error) {
        _cleanup_strv_ char **aliases = NULL;
        const char *description = NULL;
        const Option options[] = { { "description", 's', &description } };
        int r;

        r = options_read(m, options, ELEMENTSOF(options), read_other, request, error);
        if (r == -E2BIG)
                return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "Too many aliases or properties in one call.");
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
        r = message_get_strv(request, "alias", &aliases);
        if (r < 0)
                return r;
        STRV_FOREACH(a, aliases) {
                r = alias_check(*a, error);
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

int import_start(Call *call, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        Manager *manager = call->manager;
        int r;

        r = manager_refresh_images(manager);
        if (r < 0)
                return r;
        if (manager->images.n >= IMAGES_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "There are %u images, the most there can be.", IMAGES_MAX);
        r = message_new(&request);
        if (r >= 0)
                r = read_files(m, request, error);
        if (r >= 0)
                r = read_options(m, request, error);
        if (r < 0)
                return r;
        return reply_later(m, job_start(manager, JOB_IMPORT, message_get(request, "alias") ?: "", call->uid, sd_bus_message_get_sender(m), request,
                                        on_imported, sd_bus_message_ref(m), NULL, error));
}
