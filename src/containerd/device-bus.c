/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/device-bus.h"

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "containerd/job.h"
#include "containerd/manager.h"
#include "containerd/reply.h"
#include "containerd/settings-bus.h"
#include "settings/device-file.h"
#include "shared/bus-names.h"
#include "shared/runtime-state.h"

static int append_device(sd_bus_message *reply, const Device *d, bool applied) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "sa{ss}b");
        if (r >= 0)
                r = sd_bus_message_append(reply, "s", d->name);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "{ss}");
        for (DeviceKey k = 0; r >= 0 && k < _DEVICE_KEY_MAX; k++)
                if (d->values[k])
                        r = sd_bus_message_append(reply, "{ss}", device_key_name(k), d->values[k]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", (int) applied);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

int device_bus_list(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_strv_ char **applied = NULL;
        _cleanup_free_ char *sentence = NULL;
        Container *c = object;
        int r;

        r = settings_load(c->name, &s, &sentence);
        if (r < 0)
                return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "%s", sentence ?: strerror(-r));
        /* Not there when it does not run. */
        (void) runtime_devices_read(c->name, &applied);

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(sa{ss}b)");
        for (size_t i = 0; r >= 0 && i < s->devices.n; i++)
                r = append_device(reply, &s->devices.items[i], strv_find(applied, s->devices.items[i].name));
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_send(reply);
}

static int read_settings(sd_bus_message *m, const char *device, char ***ret) {
        _cleanup_strv_ char **assignments = NULL;
        const char *key, *value;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{ss}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read(m, "{ss}", &key, &value)) > 0) {
                r = strv_extendf(&assignments, "Device.%s.%s=%s", device, key, value);
                if (r < 0)
                        return r;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(assignments);
        return 0;
}

static int read_unset(sd_bus_message *m, const char *device, char ***ret) {
        _cleanup_strv_ char **keys = NULL, **unset = NULL;
        int r;

        r = sd_bus_message_read_strv(m, &keys);
        if (r < 0)
                return r;
        STRV_FOREACH(k, keys) {
                r = strv_extendf(&unset, "Device.%s.%s", device, *k);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(unset);
        return 0;
}

/* What an administrator has said of a device goes with the section: the owner may take away only what is his own. */
static int check_remove(const Call *call, const Container *c, const char *device, sd_bus_error *error) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *text = NULL, *sentence = NULL;
        int r;

        if (call->uid == 0)
                return 0;
        r = store_read_container_text(c->name, &text);
        if (r >= 0)
                r = settings_file_parse(c->name, text, &f, &sentence);
        if (r < 0)
                return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "%s", sentence ?: strerror(-r));
        if (!settings_file_device_is_owners(f, device, call->uid))
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "The device '%s' of container '%s' is the administrator's to take away.",
                                         device, c->name);
        return 0;
}

/* fd: of the caller's own directory, which is checked by the job, where it may hang. */
static int send_request(Call *call, Container *c, sd_bus_message *m, const char *action, const char *device, char *const *assignments,
                        char *const *unset, int fd, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = container_new_request(c, &request, error);
        if (r >= 0)
                r = message_add(request, "device", device);
        if (r >= 0)
                r = message_add(request, "action", action);
        if (r >= 0)
                r = message_add_strv(request, "setting", assignments);
        if (r >= 0)
                r = message_add_strv(request, "unset", unset);
        if (r >= 0 && fd >= 0)
                r = message_add_fd(request, fd);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_CONFIGURE, c->name, call->uid, sd_bus_message_get_sender(m), request,
                                        reply_when_job_done, sd_bus_message_ref(m), NULL, error));
}

static int change(Call *call, Container *c, sd_bus_message *m, const char *action, const char *device, char *const *assignments,
                  char *const *unset, sd_bus_error *error) {
        int r;

        r = settings_bus_check(call, assignments, unset, error);
        return r < 0 ? r : send_request(call, c, m, action, device, assignments, unset, -EBADF, error);
}

static int read_device(sd_bus_message *m, const char **ret, sd_bus_error *error) {
        int r;

        r = sd_bus_message_read(m, "s", ret);
        if (r < 0)
                return r;
        if (!device_name_valid(*ret))
                return sd_bus_error_setf(error, BERTH_ERROR_INVALID_ARGUMENT, "A device's name has letters, digits, '-' and '_' in it, at most %u.",
                                         DEVICE_NAME_MAX);
        return 0;
}

int device_bus_add(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_strv_ char **assignments = NULL;
        const char *device;
        int r;

        r = read_device(m, &device, error);
        if (r >= 0)
                r = read_settings(m, device, &assignments);
        return r < 0 ? r : change(call, object, m, "add", device, assignments, NULL, error);
}

/* Who lends what is his own says where it goes, and nothing that takes more than that. */
static int check_lent(char *const *assignments, sd_bus_error *error) {
        STRV_FOREACH(a, assignments) {
                _cleanup_free_ char *assignment = strdup(*a), *name = NULL, *sentence = NULL;
                const char *rest;
                DeviceKey key;

                if (!assignment)
                        return -ENOMEM;
                assignment[strcspn(assignment, "=")] = 0;
                if (device_key_split(assignment + strlen("Device."), &name, &rest, &sentence) < 0 || device_key_find(rest, &key, &sentence) < 0)
                        return sd_bus_error_setf(error, BERTH_ERROR_BAD_SETTINGS, "%s", sentence ?: "A device's key is not right.");
                if (!device_key_is_lenders(key))
                        return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "%s= of a directory that a user lends is the administrator's to set.", device_key_name(key));
        }
        return 0;
}

int device_bus_add_disk(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_strv_ char **assignments = NULL;
        const char *device;
        int fd, r;

        r = read_device(m, &device, error);
        if (r >= 0)
                r = sd_bus_message_read(m, "h", &fd);
        if (r >= 0)
                r = read_settings(m, device, &assignments);
        if (r >= 0)
                r = check_lent(assignments, error);
        return r < 0 ? r : send_request(call, object, m, "add", device, assignments, NULL, fd, error);
}

int device_bus_set(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_strv_ char **assignments = NULL, **unset = NULL;
        const char *device;
        int r;

        r = read_device(m, &device, error);
        if (r >= 0)
                r = read_settings(m, device, &assignments);
        if (r >= 0)
                r = read_unset(m, device, &unset);
        return r < 0 ? r : change(call, object, m, "set", device, assignments, unset, error);
}

int device_bus_remove(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        const char *device;
        int r;

        r = read_device(m, &device, error);
        if (r >= 0)
                r = check_remove(call, object, device, error);
        return r < 0 ? r : change(call, object, m, "remove", device, NULL, NULL, error);
}
