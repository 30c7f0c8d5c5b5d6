/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/creation.h"

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/image.h"
#include "containerd/job.h"
#include "containerd/random-name.h"
#include "containerd/reply.h"
#include "containerd/settings-bus.h"
#include "settings/profile.h"
#include "shared/bus-names.h"
#include "shared/names.h"

#define GENERATED_TRIES 100

static bool is_taken(Manager *m, const char *name) {
        Container *c;

        return manager_find_container(m, name, &c) >= 0 || job_find_target(m, JOB_CREATE, name);
}

static int choose_name(Manager *m, const char *wanted, char **ret, sd_bus_error *error) {
        _cleanup_free_ char *name = NULL;
        int r;

        if (!isempty(wanted)) {
                if (is_taken(m, wanted))
                        return sd_bus_error_setf(error, BERTH_ERROR_CONTAINER_EXISTS, "There is a container '%s' already.", wanted);
                return (*ret = strdup(wanted)) ? 0 : -ENOMEM;
        }
        for (unsigned i = 0; i < GENERATED_TRIES; i++) {
                name = (free(name), NULL);
                r = random_name(i > GENERATED_TRIES / 2, &name);
                if (r < 0)
                        return r;
                if (!is_taken(m, name)) {
                        *ret = TAKE_PTR(name);
                        return 0;
                }
        }
        return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "No free name was found. Give one.");
}

static int find_image(Manager *m, const char *reference, Image **ret, sd_bus_error *error) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = manager_find_image(m, reference, ret);
        if (r >= 0 || (r != -ENOENT && r != -ENOTUNIQ))
                return r;
        if (string_escape(reference, &escaped) < 0)
                return -ENOMEM;
        if (r == -ENOTUNIQ)
                return sd_bus_error_setf(error, BERTH_ERROR_AMBIGUOUS_IMAGE, "More than one image begins with '%.80s'.", escaped);
        return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_IMAGE, "There is no image '%.130s'.", escaped);
}

static void reply_created(void *userdata, const Job *job, const sd_bus_error *error, bool units) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = userdata, *reply = NULL;
        _cleanup_free_ char *path = NULL;
        int r;

        if (error) {
                (void) sd_bus_reply_method_error(m, error);
                return;
        }
        r = container_bus_path(job->target, &path);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "so", job->target, path);
        if (r >= 0 && units) {
                settings_bus_send_after_reload(job->manager, TAKE_PTR(reply));
                return;
        }
        if (r >= 0)
                r = sd_bus_message_send(reply);
        if (r < 0)
                log_debug_errno(r, "Cannot answer a call of CreateContainer, ignoring: %m");
}

static void on_created(void *userdata, const Job *job, const sd_bus_error *error) {
        reply_created(userdata, job, error, false);
}

static void on_created_with_units(void *userdata, const Job *job, const sd_bus_error *error) {
        reply_created(userdata, job, error, true);
}

/* PID 1 needs to read a new container's unit settings, its own and those of its profiles; most have none. */
static bool touch_units(char *const *settings) {
        const char *profiles = "default";

        STRV_FOREACH(s, settings) {
                const char *value = startswith(*s, "Profiles=") ?: startswith(*s, "Container.Profiles=");

                if (value)
                        profiles = value;
                else if (settings_bus_touch_units((char *[]) { *s, NULL }, NULL))
                        return true;
        }
        return profiles_have_units("", profiles);
}

int creation_start(Call *call, const char *wanted, const char *image, char *const *settings, bool ephemeral, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_free_ char *name = NULL;
        Manager *manager = call->manager;
        Image *i;
        int r;

        r = manager_refresh_containers(manager);
        if (r < 0)
                return r;
        if (manager->containers.n >= CONTAINERS_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "There are %u containers, the most there can be.", CONTAINERS_MAX);
        r = find_image(manager, image, &i, error);
        if (r < 0)
                return r;
        r = choose_name(manager, wanted, &name, error);
        if (r < 0)
                return r;

        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "name", name);
        if (r >= 0)
                r = message_add(request, "image", i->fingerprint);
        if (r >= 0)
                r = message_add_strv(request, "setting", settings);
        if (r >= 0)
                r = message_add(request, "ephemeral", ephemeral ? "1" : "0");
        if (r < 0)
                return r;
        return reply_later(m, job_start(manager, JOB_CREATE, name, call->uid, sd_bus_message_get_sender(m), request,
                                        touch_units(settings) ? on_created_with_units : on_created,
                                        sd_bus_message_ref(m), NULL, error));
}
