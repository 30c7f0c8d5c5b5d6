/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/creation.h"

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/fd-check.h"
#include "containerd/image.h"
#include "containerd/job.h"
#include "containerd/quota.h"
#include "containerd/random-name.h"
#include "containerd/reply.h"
#include "containerd/settings-bus.h"
#include "settings/profile.h"
#include "shared/bus-names.h"
#include "shared/host-architecture.h"
#include "storage/storage.h"
#include "shared/names.h"

#define GENERATED_TRIES 100

static bool is_taken(Manager *m, const char *name) {
        Container *c;

        return manager_find_container(m, name, &c) >= 0 || job_find_target(m, JOB_CREATE, name) || job_find_target(m, JOB_CLONE, name);
}

static int choose_name(Manager *m, const char *wanted, char **ret, sd_bus_error *error) {
        _cleanup_free_ char *name = NULL;
        int r;

        if (!isempty(wanted)) {
                _cleanup_free_ char *sentence = NULL;

                if (!container_name_valid(wanted))
                        return container_name_explain(wanted, &sentence) < 0 ? -ENOMEM : sd_bus_error_set(error, BERTH_ERROR_INVALID_NAME, sentence);
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

/* What a stranger may not see he cannot make a container from. */
static int find_image(Manager *m, uid_t uid, const char *reference, bool force, Image **ret, sd_bus_error *error) {
        const char *architecture;
        uid_t owner;
        int r;

        r = image_find(m, reference, true, ret, error);
        if (r < 0)
                return r;
        /* Who takes the name first has it: what another user calls 'debian' is what anybody means only when he says so. */
        owner = (*ret)->record.owner;
        if (owner != 0 && owner != uid && !startswith((*ret)->fingerprint, reference))
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "The alias '%.130s' is that of another user's image, of uid %u: name the image by its fingerprint, %.12s.",
                                         reference, owner, (*ret)->fingerprint);
        architecture = (*ret)->record.architecture;
        if (!force && architecture && !host_architecture_runs(architecture))
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_SUPPORTED, "Image '%.130s' is for %s, which this host's kernel executes only with an emulator that "
                                         "binfmt_misc knows (package qemu-user-static, or qemu-user-binfmt); --force makes a container of it all the same.",
                                         reference, architecture);
        return 0;
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

static int check_room(Manager *m, uid_t uid, sd_bus_error *error) {
        if (m->containers.n >= server_get_number(&m->server, SERVER_CONTAINERS_MAX))
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "There are %zu containers, the most there can be.", m->containers.n);
        return quota_check(m, QUOTA_CONTAINERS, uid, error);
}

/* What berth.conf names, of a container that is given none. The worker knows 'default' itself. */
static int add_default_profiles(const Manager *m, Message *request, char *const *settings) {
        const char *profiles = server_get(&m->server, SERVER_DEFAULT_PROFILES);

        STRV_FOREACH(s, settings)
                if (startswith(*s, "Profiles=") || startswith(*s, "Container.Profiles="))
                        return 0;
        return streq(profiles, server_table[SERVER_DEFAULT_PROFILES].fallback) ? 0 : message_addf(request, "setting", "Profiles=%s", profiles);
}

/* PID 1 needs to read a new container's unit settings, its own and those of its profiles; most have none. */
static bool touch_units(const Manager *m, char *const *settings) {
        const char *profiles = server_get(&m->server, SERVER_DEFAULT_PROFILES);

        STRV_FOREACH(s, settings) {
                const char *value = startswith(*s, "Profiles=") ?: startswith(*s, "Container.Profiles=");

                if (value)
                        profiles = value;
                else if (settings_bus_touch_units((char *[]) { *s, NULL }, NULL))
                        return true;
        }
        return profiles_have_units("", profiles);
}

static int find_place(Manager *m, uid_t uid, const char *wanted, char **ret_name, sd_bus_error *error) {
        int r;

        r = manager_refresh_containers(m);
        if (r < 0)
                return r;
        r = check_room(m, uid, error);
        return r < 0 ? r : choose_name(m, wanted, ret_name, error);
}

static int new_request(const char *name, char *const *settings, bool ephemeral, Message **ret) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "name", name);
        if (r >= 0)
                r = message_add_strv(request, "setting", settings);
        if (r >= 0)
                r = message_add(request, "ephemeral", ephemeral ? "1" : "0");
        if (r >= 0)
                *ret = TAKE_PTR(request);
        return r;
}

static int start(Call *call, JobKind kind, const char *name, Message *request, bool units, sd_bus_message *m, sd_bus_error *error) {
        return reply_later(m, job_start(call->manager, kind, name, call->uid, sd_bus_message_get_sender(m), request,
                                        units ? on_created_with_units : on_created, sd_bus_message_ref(m), NULL, error));
}

/* The job reads it: it is never in the manager. */
static int add_key(Message *request, int fd, sd_bus_error *error) {
        int r;

        r = fd_check(fd, error);
        if (r >= 0)
                r = message_add(request, "encrypted", "1");
        return r < 0 ? r : message_add_fd(request, fd);
}

/* Which one is the administrator's to say, as where disks are. */
static int add_store(Call *call, Message *request, const char *store, sd_bus_error *error) {
        const char *fallback = server_get(&call->manager->server, SERVER_DEFAULT_STORE);

        if (store && call->uid != 0 && !streq(store, fallback) && !streq(store, STORAGE_ENCRYPTED))
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "The store '%.63s' is the administrator's; containers of users are in the store '%s'.", store, fallback);
        return message_add(request, "store", store ?: fallback);
}

int creation_start(Call *call, const char *wanted, const char *image, char *const *settings, const CreationOptions *options, sd_bus_message *m,
                   sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_free_ char *name = NULL;
        Image *i;
        int r;

        r = find_image(call->manager, call->uid, image, options->force, &i, error);
        if (r >= 0)
                r = find_place(call->manager, call->uid, wanted, &name, error);
        if (r < 0)
                return r;

        r = new_request(name, settings, options->ephemeral, &request);
        if (r >= 0)
                r = add_default_profiles(call->manager, request, settings);
        if (r >= 0)
                r = message_add(request, "image", i->fingerprint);
        if (r >= 0)
                r = add_store(call, request, options->key_fd >= 0 && !options->store ? STORAGE_ENCRYPTED : options->store, error);
        if (r >= 0 && options->start_within_usec > 0)
                r = message_addf(request, "start-within", "%llu", (unsigned long long) options->start_within_usec);
        if (r >= 0 && options->key_fd >= 0)
                r = add_key(request, options->key_fd, error);
        /* What is a user's is in his slice. */
        return r < 0 ? r : start(call, JOB_CREATE, name, request, call->uid != 0 || touch_units(call->manager, settings), m, error);
}

/* What cannot be loaded, the job refuses. */
static bool source_has_units(const Container *source) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *sentence = NULL;

        return settings_load(source->name, &s, &sentence) >= 0 && settings_have_units(s);
}

int creation_clone(Call *call, const Container *source, const char *snapshot, const char *wanted, char *const *settings, bool ephemeral, const char *store, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_free_ char *name = NULL;
        int r;

        r = find_place(call->manager, call->uid, wanted, &name, error);
        if (r >= 0)
                r = new_request(name, settings, ephemeral, &request);
        if (r >= 0)
                r = message_add(request, "source", source->name);
        if (r >= 0 && snapshot)
                r = message_add(request, "snapshot", snapshot);
        if (r >= 0 && store)
                r = add_store(call, request, store, error);
        return r < 0 ? r : start(call, JOB_CLONE, name, request, call->uid != 0 || source_has_units(source) || settings_bus_touch_units(settings, NULL), m, error);
}
