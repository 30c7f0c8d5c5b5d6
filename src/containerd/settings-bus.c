/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/settings-bus.h"

#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/job.h"
#include "containerd/manager.h"
#include "containerd/reply.h"
#include "containerd/systemd.h"
#include "settings/settings.h"
#include "settings/table.h"
#include "shared/bus-names.h"

static int check_key(const Call *call, const char *assignment, size_t n, sd_bus_error *error) {
        _cleanup_free_ char *key = strndup(assignment, n), *escaped = NULL;
        int r;

        if (!key)
                return -ENOMEM;
        if (call->uid == 0)
                return 0;
        r = settings_key_is_owner_settable(key);
        if (r > 0)
                return 0;
        if (string_escape(key, &escaped) < 0)
                return -ENOMEM;
        if (r == 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "The setting '%.80s' is the administrator's to change.", escaped);
        return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "There is no setting '%.80s'.", escaped);
}

int settings_bus_check(const Call *call, char *const *assignments, char *const *unset, sd_bus_error *error) {
        int r;

        if (strv_length(assignments) + strv_length(unset) > SETTINGS_PER_CALL_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "More than %u settings in one call.", SETTINGS_PER_CALL_MAX);
        STRV_FOREACH(a, assignments) {
                const char *equals = strchr(*a, '=');

                if (!equals || equals == *a || memchr(*a, '\n', (size_t) (equals - *a)))
                        return sd_bus_error_set(error, BERTH_ERROR_BAD_SETTINGS, "A setting is given as KEY=VALUE.");
                r = check_key(call, *a, (size_t) (equals - *a), error);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(u, unset) {
                r = check_key(call, *u, strlen(*u), error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int settings_bus_get(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_free_ char *text = NULL, *sentence = NULL;
        Container *c = object;
        int effective, r;

        r = sd_bus_message_read(m, "b", &effective);
        if (r < 0)
                return r;
        if (effective) {
                size_t size;
                FILE *f = open_memstream(&text, &size);

                if (!f)
                        return -errno;
                r = settings_print_effective(c->name, f, true, &sentence);
                if (fclose(f) != 0)
                        return -ENOMEM;
                if (r < 0)
                        return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "%s", sentence ?: strerror(-r));
        } else {
                r = store_read_container_text(c->name, &text);
                if (r < 0)
                        return sd_bus_error_set_errnof(error, r, "The settings of container '%s' cannot be read: %m", c->name);
        }
        /* A damaged file may hold anything; a string on the bus may not. */
        r = sd_bus_reply_method_return(m, "s", text);
        return r == -EINVAL ? sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "The settings of container '%s' are not text.", c->name) : r;
}

static bool is_unit_key(const char *assignment) {
        _cleanup_free_ char *key = strndup(assignment, strcspn(assignment, "=")), *sentence = NULL;
        const Setting *setting;

        return key && setting_find(key, &setting, NULL, &sentence) >= 0 && setting_section_is_unit(setting->section);
}

bool settings_bus_touch_units(char *const *assignments, char *const *unset) {
        STRV_FOREACH(a, assignments)
                if (is_unit_key(*a))
                        return true;
        STRV_FOREACH(u, unset)
                if (is_unit_key(*u))
                        return true;
        return false;
}

void settings_bus_reload_units(Manager *m) {
        /* Not waited for: PID 1 takes our messages one after the other, so a start that follows knows of it. */
        if (systemd_call(m->systemd, NULL, NULL, "Reload", "") < 0)
                log_warning("Cannot ask PID 1 to read the dependencies of containers again, ignoring.");
}

/* Answers with the settings that take effect at the next start only. */
static void on_configured(void *message, const Job *job, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message, *reply = NULL;
        const char *names = job->result ? startswith(job->result, "next-start=") : NULL;
        _cleanup_strv_ char **next_start = NULL;
        int r = 0;

        if (error) {
                (void) sd_bus_reply_method_error(m, error);
                return;
        }
        for (const char *p = names ?: ""; r >= 0 && *p; p += strspn(p, " ")) {
                size_t n = strcspn(p, " ");

                r = strv_extendf(&next_start, "%.*s", (int) n, p);
                p += n;
        }
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append_strv(reply, next_start);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        if (r < 0)
                log_debug_errno(r, "Cannot answer a call of SetSettings, ignoring: %m");
}

static void on_units_configured(void *message, const Job *job, const sd_bus_error *error) {
        if (!error)
                settings_bus_reload_units(job->manager);
        on_configured(message, job, error);
}

int settings_bus_set(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_strv_ char **assignments = NULL, **unset = NULL;
        _cleanup_(message_freep) Message *request = NULL;
        Container *c = object;
        int r;

        r = sd_bus_message_read_strv(m, &assignments);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &unset);
        if (r < 0)
                return r;
        r = settings_bus_check(call, assignments, unset, error);
        if (r < 0)
                return r;
        if (c->deleting)
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is being deleted.", c->name);

        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "name", c->name);
        if (r >= 0)
                r = message_add_strv(request, "setting", assignments);
        if (r >= 0)
                r = message_add_strv(request, "unset", unset);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_CONFIGURE, c->name, call->uid, sd_bus_message_get_sender(m), request,
                                        settings_bus_touch_units(assignments, unset) ? on_units_configured : on_configured,
                                        sd_bus_message_ref(m), NULL, error));
}
