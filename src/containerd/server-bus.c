/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/server-bus.h"

#include "basic/strv.h"
#include "containerd/fd-check.h"
#include "containerd/job.h"
#include "containerd/manager.h"
#include "containerd/reply.h"
#include "containerd/settings-bus.h"
#include "shared/bus-names.h"

int server_bus_get(Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        const ServerSettings *s = &call->manager->server;
        int r;

        /* An administrator may have edited the files. */
        manager_reload_server(call->manager);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sss)");
        for (ServerKey k = 0; r >= 0 && k < _SERVER_KEY_MAX; k++)
                r = sd_bus_message_append(reply, "(sss)", server_table[k].name, server_get(s, k), s->sources[k] ?: "");
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

/* The worker checks it all again: here nobody waits for what cannot be. */
static int check(char *const *assignments, char *const *unset, sd_bus_error *error) {
        _cleanup_free_ char *text = NULL, *sentence = NULL;
        int r;

        if (strv_length(assignments) + strv_length(unset) > SETTINGS_PER_CALL_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "More than %u settings.", SETTINGS_PER_CALL_MAX);
        r = server_change("", assignments, unset, &text, &sentence);
        return r == -EINVAL || r == -ENOENT ? sd_bus_error_set(error, BERTH_ERROR_BAD_SETTINGS, sentence) : r;
}

/* It is in unit files, of users' slices. */
static bool names_memory(char *const *keys) {
        const char *name = server_table[SERVER_MEMORY_PER_USER_MAX].name;

        STRV_FOREACH(k, keys) {
                const char *rest = startswith(*k, name);

                if (rest && (*rest == 0 || *rest == '='))
                        return true;
        }
        return false;
}

static void on_memory_set(void *userdata, const Job *job, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;

        if (error || sd_bus_message_new_method_return(userdata, &reply) < 0) {
                reply_when_job_done(userdata, job, error);
                return;
        }
        sd_bus_message_unref(userdata);
        settings_bus_send_after_reload(job->manager, TAKE_PTR(reply));
}

int server_bus_set(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_strv_ char **assignments = NULL, **unset = NULL;
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = sd_bus_message_read_strv(m, &assignments);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &unset);
        if (r >= 0)
                r = check(assignments, unset, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add_strv(request, "setting", assignments);
        if (r >= 0)
                r = message_add_strv(request, "unset", unset);
        return r < 0 ? r : reply_later(m, job_start(call->manager, JOB_SERVER, "", call->uid, sd_bus_message_get_sender(m), request,
                                                    names_memory(assignments) || names_memory(unset) ? on_memory_set : reply_when_job_done,
                                                    sd_bus_message_ref(m), NULL, error));
}

static int start_stores(Call *call, Message *request, const char *name, sd_bus_message *m, sd_bus_error *error) {
        return reply_later(m, job_start(call->manager, JOB_STORES, name, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                        sd_bus_message_ref(m), NULL, error));
}

int server_bus_list_stores(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r, fd;

        r = sd_bus_message_read(m, "h", &fd);
        if (r >= 0)
                r = fd_check(fd, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add_fd(request, fd);
        return r < 0 ? r : start_stores(call, request, "", m, error);
}

int server_bus_add_store(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        _cleanup_strv_ char **settings = NULL;
        const char *name, *type;
        int r;

        r = sd_bus_message_read(m, "ss", &name, &type);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &settings);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "add", name);
        if (r >= 0)
                r = message_add(request, "type", type);
        if (r >= 0)
                r = message_add_strv(request, "setting", settings);
        return r < 0 ? r : start_stores(call, request, name, m, error);
}

int server_bus_remove_store(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "remove", name);
        return r < 0 ? r : start_stores(call, request, name, m, error);
}
