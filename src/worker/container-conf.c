/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/container-conf.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/device-file.h"
#include "settings/device.h"
#include "shared/names.h"

int container_conf_read(Job *j, const char *name, int container_fd, SettingsFile **ret) {
        _cleanup_free_ char *text = NULL, *error = NULL;
        size_t size;
        int r;

        r = path_read(container_fd, "container.conf", SETTINGS_FILE_SIZE_MAX, &text, &size);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to read the settings of the container '%s': %m", name);
        r = settings_file_parse_data("container.conf", text, size, ret, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "The settings of the container '%s' cannot be read: %s", name,
                                   error ?: strerror(-r));
        return 0;
}

int container_conf_write(Job *j, const char *name, int container_fd, const SettingsFile *f) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = settings_file_print(f, &text);
        if (r >= 0)
                r = path_write_atomic(container_fd, "container.conf", text, strlen(text), 0600);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the settings of the container '%s': %m", name);
        return 0;
}

static bool same_key(const char *a, const char *b) {
        size_t n = strcspn(a, "=");

        return n == strcspn(b, "=") && strncmp(a, b, n) == 0;
}

/* Devices are right or wrong only when all files are put together. */
static int check_devices(const char *name, const SettingsFile *f, char **ret_error) {
        _cleanup_(settings_freep) Settings *s = NULL;

        return name ? settings_load_with(name, f, &s, ret_error) : 0;
}

int container_conf_check_device(Job *j, const SettingsFile *f, const char *device) {
        if (j->owner == 0 || settings_file_device_is_owners(f, device, j->owner))
                return 0;
        return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EPERM, "What the device '%s' is, is the administrator's to change: there are settings of his in it.", device);
}

/* With another type goes what was said of the one before. */
static int check_types(Job *j, const SettingsFile *f, char *const *set) {
        STRV_FOREACH(s, set) {
                const char *rest = startswith(*s, "Device."), *key;
                _cleanup_free_ char *device = NULL, *word = NULL, *error = NULL;
                DeviceKey k;
                int r;

                if (!rest || device_key_split(rest, &device, &key, &error) < 0)
                        continue;
                word = strndup(key, strcspn(key, "="));
                if (!word)
                        return -ENOMEM;
                if (device_key_find(word, &k, &error) < 0 || k != DEVICE_TYPE)
                        continue;
                r = container_conf_check_device(j, f, device);
                if (r < 0)
                        return r;
        }
        return 0;
}

int container_conf_apply_request(Job *j, const char *name, SettingsFile *f) {
        _cleanup_strv_ char **set = NULL, **unset = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = message_get_strv(j->request, "setting", &set);
        if (r >= 0)
                r = message_get_strv(j->request, "unset", &unset);
        if (r >= 0 && name)
                r = check_types(j, f, set);
        if (r < 0)
                return r;

        for (char **u = unset; r >= 0 && u && *u; u++)
                r = settings_file_unset(f, *u, &error);
        for (char **s = set; r >= 0 && s && *s; s++) {
                bool again = false;

                for (char **before = set; before < s && !again; before++)
                        again = same_key(*before, *s);
                /* A key that is given more than once is meant as a list. */
                r = again ? settings_file_append(f, *s, NULL, &error) : settings_file_set(f, *s, NULL, &error);
        }
        if (r >= 0)
                r = settings_file_check(f, &error);
        if (r >= 0)
                r = check_devices(name, f, &error);
        if (r < 0)
                return failure_set(&j->failure, r == -ENOMEM ? FAILURE_JOB_FAILED : FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r));
        return 0;
}

int container_conf_replace(Job *j, const char *name, SettingsFile **f) {
        _cleanup_(settings_file_freep) SettingsFile *new = NULL;
        _cleanup_free_ char *now = NULL, *error = NULL;
        _cleanup_strv_ char **keys = NULL;
        const char *text, *before;
        int r;

        r = job_get(j, "text", &text);
        if (r >= 0)
                r = job_get(j, "before", &before);
        if (r >= 0)
                r = settings_file_print(*f, &now);
        if (r < 0)
                return r;
        if (!streq(now, before))
                return failure_set(&j->failure, FAILURE_BUSY, EBUSY, "The settings were changed by somebody else meanwhile.");
        r = settings_file_parse("container.conf", text, &new, &error);
        if (r >= 0)
                r = settings_file_check(new, &error);
        if (r >= 0)
                r = check_devices(name, new, &error);
        if (r >= 0)
                r = settings_file_changed_keys(*f, new, &keys);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r));
        STRV_FOREACH(k, keys)
                if (settings_key_is_internal(*k))
                        return failure_set(&j->failure, FAILURE_BAD_SETTINGS, EPERM, "%s: is kept by berth and cannot be set.", *k);
        settings_file_free(*f);
        *f = TAKE_PTR(new);
        return 0;
}

int64_t container_conf_uid_base(int state_fd, const char *name) {
        char path[sizeof DIR_CONTAINERS "//container.conf" + CONTAINER_NAME_MAX];
        _cleanup_free_ char *text = NULL, *value = NULL, *error = NULL;
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        uint32_t base;
        size_t size;
        int r;

        snprintf(path, sizeof path, DIR_CONTAINERS "/%s/container.conf", name);
        r = path_read(state_fd, path, SETTINGS_FILE_SIZE_MAX, &text, &size);
        if (r >= 0)
                r = settings_file_parse_data("container.conf", text, size, &f, &error);
        if (r < 0)
                return r;
        r = settings_file_get(f, "Container.UIDBase", &value, &error);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = parse_u32(value, UINT32_MAX, &base);
        return r < 0 ? r : (int64_t) base;
}
