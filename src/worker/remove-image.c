/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/image-archive.h"
#include "shared/names.h"
#include "worker/overlay.h"
#include "worker/references.h"
#include "worker/remove-image.h"
#include "worker/store.h"

static void remove_aliases(Job *j, const char *fingerprint) {
        _cleanup_close_ int aliases_fd = -EBADF;
        _cleanup_strv_ char **aliases = NULL;
        int r;

        aliases_fd = path_open_beneath(j->state_fd, DIR_ALIASES, O_RDONLY | O_DIRECTORY, 0);
        r = aliases_fd < 0 ? aliases_fd : aliases_of(j->state_fd, fingerprint, &aliases);
        STRV_FOREACH(a, aliases) {
                _cleanup_free_ char *file_name = NULL;

                if (alias_to_file_name(*a, &file_name) >= 0 && unlinkat(aliases_fd, file_name, 0) < 0)
                        r = -errno;
        }
        if (r >= 0 && aliases)
                r = path_sync_directory(aliases_fd);
        if (r < 0 && r != -ENOENT)
                log_warning_errno(r, "Failed to remove the aliases of '%s', leaving them to the collect job: %m", fingerprint);
}

/* Nobody can export it any more. */
static void remove_archives(int images_fd, const char *name) {
        _cleanup_close_ int fd = path_open_beneath(images_fd, name, O_RDONLY | O_DIRECTORY, 0);

        for (size_t i = 0; fd >= 0 && i < IMAGE_ARCHIVES_MAX; i++)
                (void) unlinkat(fd, image_archive_file(i), 0);
}

/* Containers and snapshots on it go on: they know it by its fingerprint alone. What was kept for others before has the same files. */
static int take_away(Job *j, int images_fd, const char *fingerprint, char **ret_trash_name) {
        _cleanup_(references_done) References used = {};
        char kept[sizeof KEPT_PREFIX + FINGERPRINT_LENGTH];
        _cleanup_close_ int layers_fd = -EBADF;
        int r;

        /* Nobody makes a container on a layer of another one's, and so on the image, meanwhile. */
        r = references_lock(j->state_fd, LOCK_EX, &layers_fd);
        if (r >= 0)
                r = references_read(j->state_fd, NULL, &used);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to find out who uses the image '%.12s': %m", fingerprint);
        if (!references_have(&used, fingerprint) || overlay_keeps_image(j, fingerprint))
                return store_trash(j, images_fd, fingerprint, ret_trash_name);
        snprintf(kept, sizeof kept, KEPT_PREFIX "%s", fingerprint);
        if (renameat2(images_fd, fingerprint, images_fd, kept, RENAME_NOREPLACE) < 0)
                r = -errno;
        else {
                remove_archives(images_fd, kept);
                r = path_sync_directory(images_fd);
        }
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to remove the image '%.12s': %m", fingerprint) : 0;
}

/* remove-image: an image goes to the trash, its aliases with it; if there are containers on it, its files stay until the last of them has gone.
 * What has it locked is unlocked on return. */
int remove_image(Job *j, const char *fingerprint, char **ret_trash_name) {
        _cleanup_close_ int images = -EBADF, image = -EBADF;
        int r;

        r = store_lock_image(j, fingerprint, LOCK_EX | LOCK_NB, &image);
        if (r >= 0)
                r = store_open(j, DIR_IMAGES, &images);
        if (r >= 0 && job_cancelled())
                r = job_fail_cancelled(j);
        if (r >= 0)
                r = take_away(j, images, fingerprint, ret_trash_name);
        if (r >= 0)
                remove_aliases(j, fingerprint);
        return r;
}

int job_remove_image(Job *j) {
        _cleanup_free_ char *trash_name = NULL;
        const char *fingerprint;
        int r;

        r = job_get(j, "fingerprint", &fingerprint);
        if (r >= 0)
                r = remove_image(j, fingerprint, &trash_name);
        if (r < 0)
                return r;
        job_commit(j);
        if (trash_name)
                store_empty_trash(j, trash_name);
        return 0;
}
