/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/unlock.h"

#include "basic/fd.h"
#include "storage/luks.h"
#include "worker/key.h"

static int find_key(Job *j, const char *name, const Settings *s, Key **ret) {
        _cleanup_free_ char *error = NULL;
        uint32_t which;
        int r;

        if (message_get_u32(j->request, "key", &which) >= 0)
                return job_read_key(j, which, ret);
        if (!s->key_file)
                return failure_set(&j->failure, FAILURE_KEY_NEEDED, ENOKEY, "The container '%s' is encrypted and does not run: its key is needed.", name);
        r = luks_read_key_file(s->key_file, ret, &error);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The container '%s' cannot be opened: %s", name, error) : 0;
}

int container_unlock(Job *j, const char *name, const Settings *s, int *ret_fd) {
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_(key_freep) Key *key = NULL;
        _cleanup_close_ int layer = -EBADF;
        _cleanup_free_ char *error = NULL;
        int r, fd;

        if (!s->encrypted || !s->layers)
                return 0;
        r = volume_open_layer(j->state_fd, s->layers[0], &layer);
        if (r >= 0)
                r = volume_open(layer, s->layers[0], &v, &error);
        if (r >= 0) {
                fd = luks_open_device(v.id);
                if (fd < 0) {
                        r = find_key(j, name, s, &key);
                        if (r < 0)
                                return r;
                        luks_use_key(key);
                        r = volume_mount(&v, &fd, &error);
                        luks_use_key(NULL);
                }
        }
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, error ? "The container '%s' cannot be opened: %s" : "The container '%s' cannot be opened: %m", name, error);
        *ret_fd = fd;
        return 0;
}
