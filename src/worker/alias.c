/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "shared/names.h"
#include "worker/store.h"

/* alias: one name for an image is added (or moved, with "replace") or removed. A rename is both at once: the new one is added first. */

static int check(Job *j, const char *alias) {
        if (alias_valid(alias))
                return 0;
        return failure_set(&j->failure, FAILURE_INVALID_NAME, EINVAL, "'%s' is no name for an alias: it can have letters, digits, '.', '_', "
                           "'+', '-', '/' and begins with a letter or digit.", name_for_message(alias));
}

int alias_point(Job *j, int aliases_fd, const char *alias, const char *fingerprint, bool replace) {
        char target[sizeof "../" DIR_IMAGES "/" + FINGERPRINT_LENGTH], temporary[DECIMAL_MAX + sizeof NEW_PREFIX];
        _cleanup_free_ char *file_name = NULL;
        _cleanup_close_ int image = -EBADF;
        int r;

        /* It stays until the alias is there, or the alias would name nothing. */
        r = store_lock_image(j, fingerprint, LOCK_SH, &image);
        if (r < 0)
                return r;

        snprintf(target, sizeof target, "../" DIR_IMAGES "/%s", fingerprint);
        snprintf(temporary, sizeof temporary, NEW_PREFIX "%u", j->id);
        r = alias_to_file_name(alias, &file_name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to add the alias '%s': %m", alias);

        if (replace) {
                (void) unlinkat(aliases_fd, temporary, 0);
                if (symlinkat(target, aliases_fd, temporary) < 0 || renameat(aliases_fd, temporary, aliases_fd, file_name) < 0) {
                        r = errno;
                        (void) unlinkat(aliases_fd, temporary, 0);
                        return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to replace the alias '%s': %m", alias);
                }
        } else if (symlinkat(target, aliases_fd, file_name) < 0) {
                if (errno == EEXIST)
                        return failure_set(&j->failure, FAILURE_ALIAS_EXISTS, errno, "The alias '%s' is taken already.", alias);
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to add the alias '%s': %m", alias);
        }
        return 0;
}

static int add(Job *j, int aliases_fd, const char *alias) {
        const char *fingerprint;
        int r, replace;

        r = job_get(j, "fingerprint", &fingerprint);
        if (r < 0)
                return r;
        replace = message_get_bool(j->request, "replace");
        if (replace < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'replace' is neither yes nor no.");
        return alias_point(j, aliases_fd, alias, fingerprint, replace);
}

static int remove_alias(Job *j, int aliases_fd, const char *alias) {
        _cleanup_free_ char *file_name = NULL;
        int r;

        r = alias_to_file_name(alias, &file_name);
        if (r >= 0 && unlinkat(aliases_fd, file_name, 0) < 0)
                r = -errno;
        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_ALIAS, r, "There is no alias '%s'.", alias);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to remove the alias '%s': %m", alias);
        return 0;
}

int job_alias(Job *j) {
        const char *to_add = message_get(j->request, "add"), *to_remove = message_get(j->request, "remove");
        _cleanup_close_ int aliases_fd = -EBADF;
        int r;

        if (!to_add && !to_remove)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "The request names no alias to add or remove.");

        r = store_open(j, DIR_ALIASES, &aliases_fd);
        if (r >= 0 && to_add)
                r = check(j, to_add);
        if (r >= 0 && to_remove)
                r = check(j, to_remove);
        if (r >= 0 && to_remove && to_add) {
                char fingerprint[FINGERPRINT_LENGTH + 1];

                if (alias_read(aliases_fd, to_remove, fingerprint) < 0)
                        r = failure_set(&j->failure, FAILURE_NO_SUCH_ALIAS, ENOENT, "There is no alias '%s'.", to_remove);
        }
        if (r >= 0 && to_add)
                r = add(j, aliases_fd, to_add);
        if (r >= 0 && to_remove)
                r = remove_alias(j, aliases_fd, to_remove);
        if (r < 0)
                return r;

        r = path_sync_directory(aliases_fd);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the aliases to the disk: %m");
        job_commit(j);
        return 0;
}
