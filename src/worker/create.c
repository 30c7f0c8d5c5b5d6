/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/profile.h"
#include "storage/luks.h"
#include "worker/container-conf.h"
#include "worker/image-conf.h"
#include "worker/image-settings.h"
#include "worker/key.h"
#include "worker/new-container.h"
#include "worker/profile.h"
#include "worker/store.h"

/* create: a container is an empty layer over its image's root file system and a file of settings. Nothing of the image is copied, so it takes
 * the same few milliseconds whatever the image's size. */

/* As LXD: who says nothing of profiles gets the one that is called default, if there is one. */
static int assign_default_profile(SettingsFile *f) {
        _cleanup_(settings_file_freep) SettingsFile *profile = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = profile_load("", "default", &profile, NULL, &error);
        if (r == -ENOENT)
                return 0;
        /* One with a mistake is named by the check of what is used in the end. */
        return settings_file_set(f, "Container.Profiles", "default", &error);
}

static const char *store_of(const Job *j) {
        return message_get(j->request, "store") ?: STORAGE_DEFAULT;
}

static int write_conf(Job *j, NewContainer *n, int image_fd, const char *image) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *architecture = NULL;
        char owner[DECIMAL_MAX];
        int r;

        snprintf(owner, sizeof owner, "%u", (unsigned) j->owner);
        r = settings_file_new(&f);
        if (r >= 0)
                r = settings_file_set_internal(f, "Container.Image", image);
        if (r >= 0)
                r = settings_file_set_internal(f, "Container.Owner", owner);
        if (r >= 0 && !streq(store_of(j), STORAGE_DEFAULT))
                r = settings_file_set_internal(f, "Container.Store", store_of(j));
        if (r >= 0 && n->layer.volume.store->type == &storage_luks)
                r = settings_file_set_internal(f, "Container.Encrypted", "yes");
        if (r >= 0 && image_conf_read_key(image_fd, "Architecture", &architecture) >= 0)
                r = settings_file_set_internal(f, "Container.Architecture", architecture);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m");
        r = new_container_identify(j, n, f);
        if (r < 0)
                return r;

        r = assign_default_profile(f);
        if (r >= 0)
                r = image_settings_apply(image_fd, f);
        if (r >= 0)
                r = container_conf_apply_request(j, n->name, f);
        if (r >= 0)
                r = profiles_check(j, f);
        if (r < 0)
                return r;

        return new_container_write_conf(j, n, f, NULL);
}

static int make_layer(Job *j, NewContainer *n, int image_fd) {
        _cleanup_close_ int rootfs = path_open_beneath(image_fd, "rootfs", O_RDONLY | O_DIRECTORY, 0);
        _cleanup_(key_freep) Key *key = NULL;
        int r;

        if (rootfs < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, rootfs, "Failed to look at the image's root file system: %m");
        r = message_get_bool(j->request, "encrypted") > 0 ? job_read_key(j, 0, &key) : 0;
        if (r < 0)
                return r;
        luks_use_key(key);
        r = overlay_make(j, n->fd, store_of(j), rootfs, &n->layer);
        luks_use_key(NULL);
        if (r >= 0 && key && n->layer.volume.store->type != &storage_luks)
                return failure_set(&j->failure, FAILURE_NOT_SUPPORTED, EOPNOTSUPP, "The store '%s' does not encrypt.", store_of(j));
        return r;
}

int job_create(Job *j) {
        _cleanup_(new_container_done) NewContainer n = NEW_CONTAINER_NONE;
        _cleanup_close_ int image_fd = -EBADF;
        const char *name, *image;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "image", &image);
        if (r >= 0)
                r = new_container_check_name(j, name);
        /* Nobody removes the image while there is no container yet that says it uses it. */
        if (r >= 0)
                r = store_lock_image(j, image, LOCK_SH, &image_fd);
        if (r >= 0)
                r = new_container_begin(j, name, &n);
        if (r >= 0)
                r = make_layer(j, &n, image_fd);
        if (r >= 0)
                r = write_conf(j, &n, image_fd, image);
        if (r >= 0)
                (void) image_conf_note_use(image_fd);
        if (r >= 0)
                r = new_container_finish(j, &n);
        if (r < 0)
                return r;

        job_result(j, "name=%s", name);
        new_container_done(&n);
        image_fd = fd_close(image_fd);
        job_commit(j);
        return 0;
}
