/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/profile-bus.h"

#include <string.h>

#include "basic/strv.h"
#include "containerd/container.h"
#include "containerd/job.h"
#include "containerd/manager.h"
#include "containerd/reply.h"
#include "containerd/settings-bus.h"
#include "settings/profile.h"
#include "shared/bus-names.h"

static int load(const char *name, SettingsFile **ret, char **ret_path, sd_bus_error *error) {
        _cleanup_free_ char *sentence = NULL, *escaped = NULL;
        int r = profile_load("", name, ret, ret_path, &sentence);

        if (r >= 0)
                return 0;
        if (string_escape(name, &escaped) < 0)
                return -ENOMEM;
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_PROFILE, "There is no profile '%.80s'.", escaped);
        return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "The profile '%.80s' cannot be read: %s", escaped, sentence ?: strerror(-r));
}

/* The containers that the caller sees and that use it. */
static int append_users(Manager *manager, sd_bus_message *reply, char *const *lists) {
        size_t i = 0;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        TABLE_FOREACH(Container, c, &manager->containers) {
                (void) container_load(c, -EBADF);
                if (r >= 0 && *lists[i] && gate_shows(manager->gate, c->record.owner))
                        r = sd_bus_message_append_basic(reply, 's', c->name);
                i++;
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* For each container, in the table's order, " NAME NAME ". */
static int list_assignments(Manager *manager, char ***ret) {
        _cleanup_strv_ char **lists = NULL;
        int r;

        TABLE_FOREACH(Container, c, &manager->containers) {
                _cleanup_strv_ char **names = NULL;
                _cleanup_free_ char *joined = NULL, *sentence = NULL;

                (void) profile_list_of_container("", c->name, &names, &sentence);
                r = strv_join(names, " ", &joined);
                if (r >= 0)
                        r = strv_extendf(&lists, " %s ", joined);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(lists);
        return 0;
}

static int append_profile(Manager *manager, sd_bus_message *reply, const char *name, char *const *assignments) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *path = NULL, *description = NULL, *sentence = NULL, *word = NULL;
        _cleanup_strv_ char **used = NULL;
        const char *key;
        int r;

        if (asprintf(&word, " %s ", name) < 0)
                return word = NULL, -ENOMEM;
        STRV_FOREACH(a, assignments) {
                r = strv_extend(&used, strstr(*a, word) ? "used" : "");
                if (r < 0)
                        return r;
        }
        r = profile_load("", name, &f, &path, &sentence);
        if (r == -ENOENT)
                return 0;
        description = f ? profile_description(f) : sentence ? TAKE_PTR(sentence) : NULL;
        r = sd_bus_message_open_container(reply, 'r', "sssbas");
        if (r >= 0)
                r = sd_bus_message_append(reply, "sssb", name, description ?: "", path ?: "", f && profile_owner_may_assign(f, &key) > 0);
        if (r >= 0)
                r = append_users(manager, reply, used);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int profile_bus_list(Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_strv_ char **names = NULL, **assignments = NULL;
        int r;

        r = manager_refresh_containers(call->manager);
        if (r >= 0)
                r = profile_list("", &names);
        if (r >= 0)
                r = list_assignments(call->manager, &assignments);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sssbas)");
        STRV_FOREACH(name, names)
                if (r >= 0)
                        r = append_profile(call->manager, reply, *name, assignments);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

int profile_bus_get(_unused_ Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *path = NULL, *text = NULL;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = load(name, &f, &path, error);
        if (r >= 0)
                r = settings_file_print(f, &text);
        return r < 0 ? r : sd_bus_reply_method_return(m, "ss", text, path);
}

/* Settings of [Unit] may have changed for any number of containers. */
static void on_done(void *message, const Job *job, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message, *reply = NULL;

        if (error)
                (void) sd_bus_reply_method_error(m, error);
        else if (sd_bus_message_new_method_return(m, &reply) >= 0)
                settings_bus_send_after_reload(job->manager, TAKE_PTR(reply));
}

static int start(Call *call, const char *action, const char *name, Message *request, JobDone done, sd_bus_message *m, sd_bus_error *error) {
        int r;

        if (!profile_name_valid(name))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_NAME, "A profile's name has up to 63 letters, digits, '.', '_' and '-', and begins with a letter or digit.");
        r = message_add(request, "name", name);
        if (r >= 0)
                r = message_add(request, "action", action);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_PROFILE, name, call->uid, sd_bus_message_get_sender(m), request, done,
                                        sd_bus_message_ref(m), NULL, error));
}

int profile_bus_create(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *name, *text;
        int r;

        r = sd_bus_message_read(m, "ss", &name, &text);
        if (r >= 0)
                r = settings_bus_check_text(text, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "text", text);
        return r < 0 ? r : start(call, "create", name, request, on_done, m, error);
}

int profile_bus_set(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_strv_ char **assignments = NULL, **unset = NULL;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &assignments);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &unset);
        if (r >= 0)
                r = settings_bus_check(call, assignments, unset, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add_strv(request, "setting", assignments);
        if (r >= 0)
                r = message_add_strv(request, "unset", unset);
        return r < 0 ? r : start(call, "set", name, request, settings_bus_reply_changed_units, m, error);
}

int profile_bus_replace(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *name, *text, *before;
        int r;

        r = sd_bus_message_read(m, "sss", &name, &text, &before);
        if (r >= 0)
                r = settings_bus_check_text(text, error);
        if (r >= 0)
                r = settings_bus_check_text(before, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "text", text);
        if (r >= 0)
                r = message_add(request, "before", before);
        return r < 0 ? r : start(call, "replace", name, request, settings_bus_reply_changed_units, m, error);
}

static int copy(Call *call, const char *action, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *name, *new_name;
        int r;

        r = sd_bus_message_read(m, "ss", &name, &new_name);
        if (r >= 0 && !profile_name_valid(new_name))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_NAME, "A profile's name has up to 63 letters, digits, '.', '_' and '-', and begins with a letter or digit.");
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "new-name", new_name);
        return r < 0 ? r : start(call, action, name, request, on_done, m, error);
}

int profile_bus_copy(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        return copy(call, "copy", m, error);
}

int profile_bus_rename(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        return copy(call, "rename", m, error);
}

int profile_bus_delete(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = message_new(&request);
        return r < 0 ? r : start(call, "delete", name, request, on_done, m, error);
}

int profile_bus_check_assignment(const Call *call, const char *names, sd_bus_error *error) {
        _cleanup_free_ char *copy = NULL;
        int r;

        if (call->uid == 0)
                return 0;
        copy = strdup(names);
        if (!copy)
                return -ENOMEM;
        for (char *rest = copy, *name; (name = strsep(&rest, " ,"));) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL;
                const char *key = NULL;

                if (!*name)
                        continue;
                r = load(name, &f, NULL, error);
                if (r >= 0)
                        r = profile_owner_may_assign(f, &key);
                if (r < 0)
                        return r;
                if (r == 0)
                        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "The profile '%s' is the administrator's to assign: it sets '%s'.", name, key);
        }
        return 0;
}
