/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/settings-bus.h"

#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/control.h"
#include "containerd/job.h"
#include "containerd/manager.h"
#include "containerd/profile-bus.h"
#include "containerd/reply.h"
#include "containerd/unit-reload.h"
#include "settings/file.h"
#include "settings/load.h"
#include "settings/lxd.h"
#include "settings/settings.h"
#include "settings/table.h"
#include "shared/bus-names.h"

static int check_key(const Call *call, const char *assignment, size_t n, const char *value, sd_bus_error *error) {
        _cleanup_free_ char *key = strndup(assignment, n), *escaped = NULL;
        int r;

        if (!key)
                return -ENOMEM;
        if (call->uid == 0)
                return 0;
        r = settings_assignment_is_owner_settable(key, value);
        /* polkit was told the keys. */
        if (r > 0 || (r == 0 && !call->own && settings_key_is_ruled(key)))
                return 0;
        if (string_escape(key, &escaped) < 0)
                return -ENOMEM;
        if (r == 0)
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "The setting '%.80s' is the administrator's to change.", escaped);
        return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "There is no setting '%.80s'.", escaped);
}

/* Where it depends on the value who may set a key, every line of it counts. */
static int check_values(const Call *call, const SettingsFile *f, const char *key, sd_bus_error *error) {
        _cleanup_free_ char *values = NULL, *sentence = NULL;
        int r = 0;

        if (startswith(key, "Device ") || settings_file_get(f, key, &values, &sentence) < 0)
                return 0;
        for (char *rest = values, *value; r >= 0 && (value = strsep(&rest, "\n"));)
                r = check_key(call, key, strlen(key), value, error);
        return r;
}

static bool is_profiles_key(const char *key, size_t n) {
        return (n == strlen("Profiles") && strncmp(key, "Profiles", n) == 0) ||
               (n == strlen("Container.Profiles") && strncmp(key, "Container.Profiles", n) == 0);
}

int settings_bus_check_text(const char *text, sd_bus_error *error) {
        if (strlen(text) <= SETTINGS_TEXT_MAX)
                return 0;
        return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "A text of settings has at most %u KiB.", SETTINGS_TEXT_MAX / 1024);
}

int settings_bus_check(const Call *call, char *const *assignments, char *const *unset, sd_bus_error *error) {
        int r;

        if (strv_length(assignments) + strv_length(unset) > SETTINGS_PER_CALL_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "More than %u settings in one call.", SETTINGS_PER_CALL_MAX);
        STRV_FOREACH(a, assignments) {
                const char *equals = strchr(*a, '=');

                if (!equals || equals == *a || memchr(*a, '\n', (size_t) (equals - *a)))
                        return sd_bus_error_set(error, BERTH_ERROR_BAD_SETTINGS, "A setting is given as KEY=VALUE.");
                r = check_key(call, *a, (size_t) (equals - *a), equals + 1, error);
                if (r >= 0 && is_profiles_key(*a, (size_t) (equals - *a)))
                        r = profile_bus_check_assignment(call, equals + 1, error);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(u, unset) {
                r = check_key(call, *u, strlen(*u), NULL, error);
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
        const LxdKey *lxd = key ? lxd_key_find(key) : NULL;
        const Setting *setting;

        return key && !startswith(key, "Device.") && setting_find(lxd && lxd->names[0] ? lxd->names[0] : key, &setting, NULL, &sentence) >= 0 &&
               (setting_is_for_units(setting->section, setting->name) || streq(setting->name, "Profiles"));
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

static void on_reloaded(void *userdata, _unused_ sd_bus_message *answer, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = userdata;

        if (error)
                log_warning("PID 1 does not read the units of containers again, ignoring: %s", error->message);
        if (sd_bus_message_send(reply) < 0)
                log_debug("Cannot answer a call, ignoring.");
}

/* Waited for: a caller may go on with systemctl, which speaks with PID 1 on a connection of its own and could be there first. */
void settings_bus_send_after_reload(Manager *m, sd_bus_message *reply) {
        if (unit_reload(m, on_reloaded, reply) < 0) {
                log_warning("Cannot ask PID 1 to read the units of containers again, ignoring.");
                (void) sd_bus_message_send(reply);
                sd_bus_message_unref(reply);
        }
}

/* Answers with the settings that take effect at the next start only. */
static int new_reply_changed(sd_bus_message *m, const Job *job, sd_bus_message **ret) {
        const char *names = job->result ? startswith(job->result, "next-start=") : NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_strv_ char **next_start = NULL;
        int r = 0;

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
                *ret = TAKE_PTR(reply);
        return r;
}

static void reply_changed(void *message, const Job *job, const sd_bus_error *error, bool units) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = message, *reply = NULL;
        int r;

        if (error) {
                (void) sd_bus_reply_method_error(m, error);
                return;
        }
        r = new_reply_changed(m, job, &reply);
        if (r >= 0 && units) {
                settings_bus_send_after_reload(job->manager, TAKE_PTR(reply));
                return;
        }
        if (r >= 0)
                r = sd_bus_message_send(reply);
        if (r < 0)
                log_debug_errno(r, "Cannot answer a call of %s, ignoring: %m", sd_bus_message_get_member(m));
}

void settings_bus_reply_changed(void *message, const Job *job, const sd_bus_error *error) {
        reply_changed(message, job, error, false);
}

void settings_bus_reply_changed_units(void *message, const Job *job, const sd_bus_error *error) {
        reply_changed(message, job, error, true);
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
        r = container_new_request(c, &request, error);
        if (r >= 0)
                r = message_add_strv(request, "setting", assignments);
        if (r >= 0)
                r = message_add_strv(request, "unset", unset);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_CONFIGURE, c->name, call->uid, sd_bus_message_get_sender(m), request,
                                        settings_bus_touch_units(assignments, unset) ? settings_bus_reply_changed_units : settings_bus_reply_changed,
                                        sd_bus_message_ref(m), NULL, error));
}

/* What is different has to be the caller's to set, key by key, as if it had been set. */
static int check_text_keys(const Call *call, const char *name, const char *before, const char *text, bool *ret_units, sd_bus_error *error) {
        _cleanup_(settings_file_freep) SettingsFile *a = NULL, *b = NULL;
        _cleanup_free_ char *sentence = NULL, *profiles = NULL;
        _cleanup_strv_ char **keys = NULL;
        int r;

        r = settings_file_parse("container.conf", text, &b, &sentence);
        if (r >= 0)
                r = settings_file_check(b, &sentence);
        if (r >= 0)
                r = settings_file_parse("container.conf", before, &a, &sentence);
        if (r >= 0)
                r = settings_file_changed_keys(a, b, &keys);
        if (r < 0)
                return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "%s", sentence ?: strerror(-r));
        STRV_FOREACH(k, keys) {
                r = check_key(call, *k, strlen(*k), NULL, error);
                if (r >= 0)
                        r = check_values(call, b, *k, error);
                if (r < 0)
                        return r;
        }
        if (strv_find(keys, "Container.Profiles") && settings_file_get(b, "Container.Profiles", &profiles, &sentence) >= 0) {
                r = profile_bus_check_assignment(call, profiles, error);
                if (r < 0)
                        return r;
        }
        *ret_units = settings_bus_touch_units(NULL, keys) || strv_find(keys, "Container.Profiles");
        return 0;
}

int settings_bus_replace(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        const char *text, *before;
        Container *c = object;
        bool units = false;
        int r;

        r = sd_bus_message_read(m, "ss", &text, &before);
        if (r >= 0)
                r = settings_bus_check_text(text, error);
        if (r >= 0)
                r = settings_bus_check_text(before, error);
        if (r >= 0)
                r = check_text_keys(call, c->name, before, text, &units, error);
        if (r < 0)
                return r;
        r = container_new_request(c, &request, error);
        if (r >= 0)
                r = message_add(request, "text", text);
        if (r >= 0)
                r = message_add(request, "before", before);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_CONFIGURE, c->name, call->uid, sd_bus_message_get_sender(m), request,
                                        units ? settings_bus_reply_changed_units : settings_bus_reply_changed, sd_bus_message_ref(m), NULL, error));
}

int settings_bus_get_files(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(settings_files_done) SettingsFiles files = {};
        _cleanup_free_ char *sentence = NULL;
        Container *c = object;
        int r;

        r = settings_files_read_common("", &files, &sentence);
        if (r >= 0)
                r = settings_files_read_own("", c->name, &files, &sentence);
        if (r < 0)
                return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "%s", sentence ?: strerror(-r));
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < files.n; i++) {
                _cleanup_free_ char *text = NULL;

                r = settings_file_print(files.items[i], &text);
                if (r >= 0)
                        r = sd_bus_message_append(reply, "(ss)", files.items[i]->name, text);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

static void on_applied(void *userdata, const Message *answer, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = userdata, *reply = NULL;
        int r;

        if (error) {
                (void) sd_bus_reply_method_error(m, error);
                return;
        }
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(ss)");
        STRV_FOREACH(f, answer->fields) {
                const char *equals = strchr(*f, '=');
                _cleanup_free_ char *key = equals ? strndup(*f, (size_t) (equals - *f)) : NULL;

                if (r >= 0 && key && !streq(key, "event"))
                        r = sd_bus_message_append(reply, "(ss)", key, equals + 1);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        if (r < 0)
                (void) sd_bus_reply_method_errno(m, r, NULL);
}

int settings_bus_get_applied(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        Container *c = object;
        int r;

        if (!container_runs(c))
                return sd_bus_error_setf(error, BERTH_ERROR_NOT_RUNNING, "Container '%s' is not running.", c->name);
        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "request", "applied");
        return r < 0 ? r : reply_later(m, control_ask(call->manager, c->name, request, on_applied, sd_bus_message_ref(m), error));
}
