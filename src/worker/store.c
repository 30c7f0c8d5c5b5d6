/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/store.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "shared/runtime-state.h"
#include "storage/volume.h"

#define BUSY_TRIES 20U /* a second between them */

int store_open(Job *j, const char *directory, int *ret_fd) {
        int fd = path_make_directory(j->state_fd, directory, 0700);

        if (fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, fd, "Failed to open the directory '%s': %m", directory);
        *ret_fd = fd;
        return 0;
}

/* The id of a job is unique as long as the manager lives; what an earlier one left behind may have the same. */
static int job_file_name(Job *j, const char *prefix, unsigned attempt, char **ret) {
        unsigned random;
        int n;

        if (attempt == 0)
                n = asprintf(ret, "%s%u", prefix, j->id);
        else if (getrandom(&random, sizeof random, 0) != sizeof random)
                return -errno;
        else
                n = asprintf(ret, "%s%u-%08x", prefix, j->id, random);
        return n < 0 ? -ENOMEM : 0;
}

#define NAME_ATTEMPTS 8

int store_lock(int dir_fd, const char *name, int operation, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF;
        struct stat a, b;

        fd = path_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;
        while (flock(fd, operation) < 0)
                if (errno != EINTR)
                        return -errno;

        /* It may have been moved away between the open and the lock. */
        if (fstat(fd, &a) < 0 || fstatat(dir_fd, name, &b, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (a.st_dev != b.st_dev || a.st_ino != b.st_ino)
                return -ENOENT;

        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int make_directory(Job *j, int dir_fd, const char *prefix, char **ret_name, int *ret_fd) {
        int r = -EEXIST;

        for (unsigned i = 0; i < NAME_ATTEMPTS; i++) {
                _cleanup_free_ char *name = NULL;

                r = job_file_name(j, prefix, i, &name);
                if (r < 0)
                        break;
                if (mkdirat(dir_fd, name, 0700) < 0) {
                        r = -errno;
                        if (r == -EEXIST)
                                continue;
                        break;
                }
                /* The collect job may have found it before it was locked; then it is gone, and another name is tried. */
                r = store_lock(dir_fd, name, LOCK_EX | LOCK_NB, ret_fd);
                if (r == -ENOENT || r == -EWOULDBLOCK)
                        continue;
                if (r < 0)
                        break;
                *ret_name = TAKE_PTR(name);
                return 0;
        }
        return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make a directory for the job: %m");
}

int store_make_new(Job *j, int dir_fd, char **ret_name, int *ret_fd) {
        return make_directory(j, dir_fd, NEW_PREFIX, ret_name, ret_fd);
}

int store_make_scratch(Job *j, char **ret_name, int *ret_fd) {
        _cleanup_close_ int trash = -EBADF;
        int r;

        r = store_open(j, DIR_TRASH, &trash);
        return r < 0 ? r : make_directory(j, trash, "", ret_name, ret_fd);
}

int store_trash(Job *j, int dir_fd, const char *name, char **ret_trash_name) {
        _cleanup_close_ int trash = -EBADF;
        int r;

        r = store_open(j, DIR_TRASH, &trash);
        if (r < 0)
                return r;

        r = -EEXIST;
        for (unsigned i = 0; i < NAME_ATTEMPTS; i++) {
                _cleanup_free_ char *trash_name = NULL;

                r = job_file_name(j, "", i, &trash_name);
                if (r < 0)
                        break;
                if (renameat2(dir_fd, name, trash, trash_name, RENAME_NOREPLACE) < 0) {
                        r = -errno;
                        if (r == -EEXIST)
                                continue;
                        break;
                }
                *ret_trash_name = TAKE_PTR(trash_name);
                /* The new place first: after a crash in between it is in both or in the new one, never in none. */
                r = path_sync_directory(trash);
                if (r >= 0)
                        r = path_sync_directory(dir_fd);
                break;
        }
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to move '%s' to the trash: %m", name) : 0;
}

int store_remove_tree(int dir_fd, const char *name) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = volumes_remove(dir_fd, name, &error);
        if (r < 0 && r != -ENOENT && error)
                log_warning("What is left of a container stays until its store can be used: %s", error);
        return r < 0 ? r : path_remove_tree(dir_fd, name);
}

void store_empty_trash(Job *j, const char *trash_name) {
        _cleanup_close_ int trash = -EBADF;
        int r;

        trash = path_open_beneath(j->state_fd, DIR_TRASH, O_RDONLY | O_DIRECTORY, 0);
        r = trash < 0 ? trash : store_remove_tree(trash, trash_name);
        /* A volume is busy for a moment when another job copies or removes what was made of it, or a container that starts has its mounts, too. Nobody
         * waits for a job that is committed, and a stop ends it. */
        for (unsigned i = 0; r == -EBUSY && j->committed && i < BUSY_TRIES; i++) {
                (void) sleep(1);
                r = store_remove_tree(trash, trash_name);
        }
        if (r < 0)
                log_warning_errno(r, "Failed to empty the trash of job %u, leaving it to the collect job: %m", j->id);
}

int store_lock_image(Job *j, const char *fingerprint, int operation, int *ret_fd) {
        _cleanup_close_ int images = -EBADF;
        int r;

        if (!fingerprint_valid(fingerprint))
                return failure_set(&j->failure, FAILURE_INVALID_NAME, EINVAL, "'%s' is no fingerprint of an image.",
                                   name_for_message(fingerprint));
        r = store_open(j, DIR_IMAGES, &images);
        if (r < 0)
                return r;
        r = store_lock(images, fingerprint, operation, ret_fd);
        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_IMAGE, r, "There is no image '%.12s'.", fingerprint);
        if (r == -EWOULDBLOCK)
                return failure_set(&j->failure, FAILURE_BUSY, r, "Another job is working with the image '%.12s'; try again.", fingerprint);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to lock the image '%.12s': %m", fingerprint);
        return 0;
}

int store_check_container_name(Job *j, const char *name) {
        _cleanup_free_ char *why = NULL;

        if (container_name_valid(name))
                return 0;
        (void) container_name_explain(name, &why);
        return failure_set(&j->failure, FAILURE_INVALID_NAME, EINVAL, "%s", why ?: "That is no name for a container.");
}

int store_open_container(Job *j, const char *name, int *ret_fd) {
        _cleanup_close_ int containers = -EBADF;
        int r;

        r = store_check_container_name(j, name);
        if (r >= 0)
                r = store_open(j, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;
        r = path_open_beneath(containers, name, O_RDONLY | O_DIRECTORY, 0);
        if (r == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_CONTAINER, r, "There is no container '%s'.", name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to open the container '%s': %m", name);
        *ret_fd = r;
        return 0;
}

int store_lock_container(Job *j, const char *name, int container_fd, int *ret_lock_fd) {
        _cleanup_close_ int fd = -EBADF;
        RuntimeState state;

        fd = openat(container_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0600);
        if (fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to open the lock of the container '%s': %m", name);
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK)
                        return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to lock the container '%s': %m", name);
                if (runtime_state_read(name, &state) >= 0)
                        return failure_set(&j->failure, FAILURE_ALREADY_RUNNING, EBUSY,
                                           "The container '%s' is running; stop it first.", name);
                return failure_set(&j->failure, FAILURE_BUSY, EBUSY, "Another job is working with the container '%s'; try again.", name);
        }
        *ret_lock_fd = TAKE_FD(fd);
        return 0;
}

int alias_read(int aliases_fd, const char *alias, char ret[static 65]) {
        _cleanup_free_ char *file_name = NULL;
        char target[sizeof "../" DIR_IMAGES "/" + FINGERPRINT_LENGTH + 1];
        const char *fingerprint;
        ssize_t n;
        int r;

        r = alias_to_file_name(alias, &file_name);
        if (r < 0)
                return r;
        n = readlinkat(aliases_fd, file_name, target, sizeof target - 1);
        if (n < 0)
                return -errno;
        target[n] = 0;
        fingerprint = startswith(target, "../" DIR_IMAGES "/");
        if (!fingerprint || !fingerprint_valid(fingerprint))
                return -EBADMSG;
        memcpy(ret, fingerprint, FINGERPRINT_LENGTH + 1);
        return 0;
}

static int compare_strings(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int aliases_of(int state_fd, const char *fingerprint, char ***ret) {
        _cleanup_strv_ char **l = NULL;
        struct dirent *de;
        DIR *d;
        int fd, r = 0;

        fd = path_open_beneath(state_fd, DIR_ALIASES, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0) {
                *ret = NULL;
                return fd == -ENOENT ? 0 : fd;
        }
        d = fdopendir(fd);
        if (!d) {
                r = -errno;
                (void) fd_close(fd);
                return r;
        }
        while (r >= 0 && (errno = 0, de = readdir(d))) {
                _cleanup_free_ char *alias = NULL;
                char other[FINGERPRINT_LENGTH + 1];

                if (alias_from_file_name(de->d_name, &alias) < 0 || alias_read(dirfd(d), alias, other) < 0)
                        continue;
                if (streq(other, fingerprint))
                        r = strv_extend(&l, alias);
        }
        if (r >= 0 && errno)
                r = -errno;
        (void) closedir(d);
        if (r < 0)
                return r;
        if (l)
                qsort(l, strv_length(l), sizeof(char *), compare_strings);
        *ret = TAKE_PTR(l);
        return 0;
}
