/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/image-settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"

#define SETTINGS_FILE "settings.conf"
#define SIZE_MAX_BYTES (256U * 1024U)

static const struct {
        const char *key;
        bool list;
} known[] = {
        { "Environment", true }, { "Init", false }, { "KillSignal", false }, { "User", false }, { "WorkingDirectory", false },
};

static int assign(SettingsFile *f, const char *key, const char *value) {
        _cleanup_free_ char *error = NULL;

        for (size_t i = 0; i < ELEMENTSOF(known); i++)
                if (streq(known[i].key, key))
                        return known[i].list ? settings_file_append(f, key, value, &error) : settings_file_set(f, key, value, &error);
        return -EINVAL;
}

int image_settings_add(int image_fd, const char *key, const char *value) {
        _cleanup_(settings_file_freep) SettingsFile *trial = NULL;
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *line = NULL;
        int r;

        r = settings_file_new(&trial);
        if (r < 0)
                return r;
        if (strchr(value, '\n') || assign(trial, key, value) < 0) {
                log_notice("Left out what the image says of %s: it cannot be that of a container.", key);
                return 0;
        }
        if (asprintf(&line, "%s=%s\n", key, value) < 0)
                return -ENOMEM;
        fd = openat(image_fd, SETTINGS_FILE, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : fd_write_all(fd, line, strlen(line));
}

int image_settings_apply(int image_fd, SettingsFile *f) {
        _cleanup_free_ char *text = NULL;
        char *line, *rest;
        int r;

        r = path_read(image_fd, SETTINGS_FILE, SIZE_MAX_BYTES, &text, NULL);
        if (r == -ENOENT)
                return 0;
        for (rest = text; r >= 0 && (line = strsep(&rest, "\n"));) {
                char *equals = strchr(line, '=');

                if (!equals)
                        continue;
                *equals = 0;
                r = assign(f, line, equals + 1);
        }
        return r;
}
