/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/settings.h"
#include "shared/names.h"
#include "worker/store.h"

#define USERS_NAMED_MAX 5U

/* A file of settings that cannot be read may be of a container that uses the image, so it counts as one. */
static bool container_uses(int containers_fd, const char *name, const char *fingerprint) {
        char path[NAME_MAX + sizeof "/container.conf"];
        _cleanup_free_ char *text = NULL;
        int r;

        snprintf(path, sizeof path, "%s/container.conf", name);
        r = path_read(containers_fd, path, SETTINGS_FILE_SIZE_MAX, &text, NULL);
        if (r == -ENOENT)
                return false;
        return r < 0 || strstr(text, fingerprint);
}

static int find_users(int containers_fd, const char *fingerprint, char ***ret) {
        _cleanup_strv_ char **users = NULL;
        struct dirent *de;
        int fd, r = 0;
        DIR *d;

        fd = openat(containers_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        d = fd < 0 ? NULL : fdopendir(fd);
        if (!d) {
                r = -errno;
                (void) fd_close(fd);
                return r;
        }
        /* One that is being made has the image locked, so it is none that this would miss. */
        while (r >= 0 && (de = readdir(d)))
                if (container_name_valid(de->d_name) && container_uses(containers_fd, de->d_name, fingerprint))
                        r = strv_extend(&users, de->d_name);
        (void) closedir(d);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(users);
        return 0;
}

static int check_unused(Job *j, const char *fingerprint) {
        _cleanup_close_ int containers = -EBADF;
        _cleanup_strv_ char **users = NULL;
        _cleanup_free_ char *names = NULL;
        char more[64] = "";
        size_t n;
        int r;

        r = store_open(j, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;
        r = find_users(containers, fingerprint, &users);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to find out who uses the image '%.12s': %m", fingerprint);
        n = strv_length(users);
        if (n == 0)
                return 0;

        if (n > USERS_NAMED_MAX) {
                snprintf(more, sizeof more, " and %zu more", n - USERS_NAMED_MAX);
                for (size_t i = USERS_NAMED_MAX; i < n; i++)
                        free(TAKE_PTR(users[i]));
        }
        (void) strv_join(users, "', '", &names);
        return failure_set(&j->failure, FAILURE_IMAGE_IN_USE, EBUSY, "The image '%.12s' is used by the container%s '%s'%s.", fingerprint,
                           n == 1 ? "" : "s", names ?: "?", more);
}

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

/* remove-image: an image that no container uses goes to the trash, its aliases with it. */
int job_remove_image(Job *j) {
        _cleanup_close_ int images = -EBADF, image = -EBADF;
        _cleanup_free_ char *trash_name = NULL;
        const char *fingerprint;
        int r;

        r = job_get(j, "fingerprint", &fingerprint);
        if (r >= 0)
                r = store_lock_image(j, fingerprint, LOCK_EX | LOCK_NB, &image);
        if (r >= 0)
                r = check_unused(j, fingerprint);
        if (r >= 0)
                r = store_open(j, DIR_IMAGES, &images);
        if (r >= 0 && job_cancelled())
                r = job_fail_cancelled(j);
        if (r >= 0)
                r = store_trash(j, images, fingerprint, &trash_name);
        if (r < 0)
                return r;
        remove_aliases(j, fingerprint);

        job_commit(j);
        store_empty_trash(j, trash_name);
        return 0;
}
