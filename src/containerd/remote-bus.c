/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/remote-bus.h"

#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/fd-check.h"
#include "containerd/job.h"
#include "containerd/options.h"
#include "containerd/reply.h"
#include "settings/remote.h"
#include "shared/bus-names.h"

int remote_bus_list(_unused_ Call *call, _unused_ void *object, sd_bus_message *m, _unused_ sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_strv_ char **names = NULL;
        int r;

        r = remote_list("", &names);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ssss)");
        STRV_FOREACH(n, names) {
                _cleanup_(remote_done) Remote remote = {};
                _cleanup_free_ char *sentence = NULL;

                if (r < 0)
                        break;
                /* One with a mistake is shown with it. */
                r = remote_load("", *n, &remote, &sentence);
                if (r == -ENOENT)
                        r = 0;
                else if (r == -EBADMSG)
                        r = sd_bus_message_append(reply, "(ssss)", *n, "", "", sentence ?: "");
                else if (r >= 0)
                        r = sd_bus_message_append(reply, "(ssss)", *n, remote.url, remote.keyring ?: "", remote.file);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

static int check_name(const char *name, sd_bus_error *error) {
        if (remote_name_valid(name))
                return 0;
        return sd_bus_error_setf(error, BERTH_ERROR_INVALID_NAME, "A remote's name has letters, digits, '.', '_' and '-', begins with a letter or digit, has at "
                                 "most %u of them, and is not '" REMOTE_LOCAL "'.", REMOTE_NAME_MAX);
}

static int change(Call *call, const char *action, const char *name, const char *url, const char *keyring, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = check_name(name, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "action", action);
        if (r >= 0)
                r = message_add(request, "name", name);
        if (r >= 0 && url)
                r = message_add(request, "url", url);
        if (r >= 0 && keyring)
                r = message_add(request, "keyring", keyring);
        return r < 0 ? r : reply_later(m, job_start(call->manager, JOB_REMOTE, name, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                                    sd_bus_message_ref(m), NULL, error));
}

int remote_bus_add(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *name, *url, *keyring = NULL, *reason;
        const Option options[] = { { "keyring", 's', &keyring } };
        int r;

        r = sd_bus_message_read(m, "ss", &name, &url);
        if (r >= 0)
                r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r < 0)
                return r;
        reason = remote_check_url(url);
        if (reason)
                return sd_bus_error_setf(error, BERTH_ERROR_INVALID_ARGUMENT, "The URL of a remote %s.", reason);
        return change(call, "add", name, url, keyring, m, error);
}

int remote_bus_remove(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *name;
        int r;

        r = sd_bus_message_read(m, "s", &name);
        return r < 0 ? r : change(call, "remove", name, NULL, NULL, m, error);
}

int remote_bus_list_images(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *name;
        int r, fd;

        r = sd_bus_message_read(m, "sh", &name, &fd);
        if (r >= 0)
                r = check_name(name, error);
        if (r >= 0)
                r = fd_check(fd, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "list", name);
        if (r >= 0)
                r = message_add_fd(request, fd);
        return r < 0 ? r : reply_later(m, job_start(call->manager, JOB_PULL, name, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                                    sd_bus_message_ref(m), NULL, error));
}

static void on_refreshed(void *userdata, const Job *job, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = userdata;
        unsigned removed = 0, renewed = 0;
        int r;

        if (!error && job->result)
                (void) sscanf(job->result, "removed=%u renewed=%u", &removed, &renewed);
        r = error ? sd_bus_reply_method_error(m, error) : sd_bus_reply_method_return(m, "uu", removed, renewed);
        if (r < 0)
                log_debug_errno(r, "Cannot answer a call of RefreshImages, ignoring: %m");
}

int remote_bus_refresh(Call *call, _unused_ void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "refresh", "1");
        if (r >= 0)
                r = message_add(request, "keep-archive", server_get_number(&call->manager->server, SERVER_KEEP_ARCHIVES) ? "1" : "0");
        return r < 0 ? r : reply_later(m, job_start(call->manager, JOB_PULL, "refresh", call->uid, sd_bus_message_get_sender(m), request, on_refreshed,
                                                    sd_bus_message_ref(m), NULL, error));
}
