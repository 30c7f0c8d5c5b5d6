/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/lend.h"

#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "settings/device-file.h"
#include "shared/source-identity.h"

/* The group that is somebody inside is the one that the host's user has, not one that the directory happens to be of. */
static int find_group(uid_t uid, gid_t *ret) {
        struct passwd pw, *found = NULL;
        char buffer[16384];
        int r;

        r = getpwuid_r(uid, &pw, buffer, sizeof buffer, &found);
        if (r != 0)
                return -r;
        if (!found)
                return -ESRCH;
        *ret = pw.pw_gid;
        return 0;
}

int lend_directory(Job *j, const char *device, SettingsFile *f) {
        _cleanup_close_ int fd = message_take_fd(j->request, 0);
        _cleanup_free_ char *identity = NULL, *uid = NULL, *gid = NULL, *error = NULL;
        struct stat st;
        gid_t group;
        int r;

        if (fd < 0)
                return 0;
        if (fstat(fd, &st) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to look at the directory for device '%s': %m", device);
        if (!S_ISDIR(st.st_mode) || st.st_uid != j->owner)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EPERM, "The source of device '%s' is no directory of yours; others are the administrator's to lend.", device);
        r = source_identity(fd, &identity);
        if (r >= 0)
                r = find_group(st.st_uid, &group);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to find whose directory device '%s' is: %m", device);
        if (asprintf(&uid, "%u", st.st_uid) < 0 || asprintf(&gid, "%u", group) < 0)
                return -ENOMEM;

        const struct {
                DeviceKey key;
                const char *value;
        } noted[] = { { DEVICE_TYPE, "disk" }, { DEVICE_SOURCE_UID, uid }, { DEVICE_SOURCE_GID, gid }, { DEVICE_SOURCE_IDENTITY, identity } };

        for (size_t i = 0; i < ELEMENTSOF(noted); i++) {
                r = settings_file_set_device(f, device, device_key_name(noted[i].key), noted[i].value, &error);
                if (r < 0)
                        return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r));
        }
        return 0;
}
