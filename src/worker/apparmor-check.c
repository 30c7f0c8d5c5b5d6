/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/apparmor-check.h"

#include <string.h>

#include "basic/strv.h"
#include "settings/load.h"
#include "shared/apparmor.h"

static int merge(const char *name, const SettingsFile *f, Settings **ret, char **ret_error) {
        SettingsFile *item = (SettingsFile *) f;

        return name ? settings_load_with(name, f, ret, ret_error) :
                      settings_files_merge(&(SettingsFiles) { .items = &item, .n = 1 }, &(SettingsFiles) {}, false, ret, ret_error);
}

int apparmor_check(Job *j, const char *name, int container_fd, const SettingsFile *f) {
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *value = NULL, *error = NULL;
        int r;

        if (settings_file_get(f, "Security.RawAppArmor", &value, &error) == -ENOENT || apparmor_state() != APPARMOR_OURS)
                return 0;
        error = (free(error), NULL);
        r = merge(name, f, &s, &error);
        if (r >= 0 && s->raw_apparmor)
                r = apparmor_compile(name ? container_fd : -EBADF, name ?: "profile", s, &error);
        if (r == -EBADMSG)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, EINVAL, "RawAppArmor: %s", error ?: "the rules are wrong");
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to compile the AppArmor profile: %s", error ?: strerror(-r)) : 0;
}
