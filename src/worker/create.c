/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/clock.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/profile.h"
#include "shared/names.h"
#include "shared/uid-lease.h"
#include "worker/container-conf.h"
#include "worker/image-conf.h"
#include "worker/profile.h"
#include "worker/store.h"

/* create: a container is an empty layer over its image's root file system and a file of settings. Nothing of the image is copied, so it takes
 * the same few milliseconds whatever the image's size. */

static int make_uuid(char ret[static 37]) {
        uint8_t b[16];

        if (getrandom(b, sizeof b, 0) != sizeof b)
                return -errno;
        /* Version 4, random, of RFC 4122. */
        b[6] = (uint8_t) ((b[6] & 0x0f) | 0x40);
        b[8] = (uint8_t) ((b[8] & 0x3f) | 0x80);
        snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6],
                 b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
        return 0;
}

static int set_number(SettingsFile *f, const char *key, uint64_t value) {
        char text[DECIMAL_MAX];

        snprintf(text, sizeof text, "%llu", (unsigned long long) value);
        return settings_file_set_internal(f, key, text);
}

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

static int write_conf(Job *j, const char *name, int new_fd, int image_fd, const char *image, uint32_t uid_base) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *architecture = NULL, *text = NULL;
        _cleanup_close_ int fd = -EBADF;
        char uuid[37];
        int r, ephemeral;

        ephemeral = message_get_bool(j->request, "ephemeral");
        if (ephemeral < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'ephemeral' is neither yes nor no.");

        r = settings_file_new(&f);
        if (r >= 0)
                r = make_uuid(uuid);
        if (r >= 0)
                r = settings_file_set_internal(f, "Container.Image", image);
        if (r >= 0)
                r = settings_file_set_internal(f, "Container.UUID", uuid);
        if (r >= 0)
                r = set_number(f, "Container.Owner", j->owner);
        if (r >= 0)
                r = set_number(f, "Container.CreatedUSec", clock_usec(CLOCK_REALTIME));
        if (r >= 0)
                r = set_number(f, "Container.UIDBase", uid_base);
        if (r >= 0 && ephemeral)
                r = settings_file_set_internal(f, "Container.Ephemeral", "yes");
        if (r >= 0 && image_conf_read_key(image_fd, "Architecture", &architecture) >= 0)
                r = settings_file_set_internal(f, "Container.Architecture", architecture);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m");

        r = assign_default_profile(f);
        if (r >= 0)
                r = container_conf_apply_request(j, name, f);
        if (r >= 0)
                r = profiles_check(j, f);
        if (r < 0)
                return r;

        r = settings_file_print(f, &text);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m");
        /* Of all that is made the file comes first: what journals hold of the directories goes with it. */
        fd = openat(new_fd, "container.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        r = fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the container's settings: %m");
        return 0;
}

static int make_foreign_directory(int dir_fd, const char *name, mode_t mode, int *ret_fd) {
        _cleanup_close_ int fd = path_make_directory(dir_fd, name, 0700);

        if (fd < 0)
                return fd;
        if (fchown(fd, FOREIGN_UID_BASE, FOREIGN_UID_BASE) < 0 || fchmod(fd, mode) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

/* What the container sees as the owner, mode and time of its / are those of upper/. */
static int make_layer(Job *j, int new_fd, int image_fd, int *ret_layer_fd) {
        _cleanup_close_ int layer = -EBADF, upper = -EBADF, work = -EBADF;
        struct stat st;
        int r;

        if (fstatat(image_fd, "rootfs", &st, AT_SYMLINK_NOFOLLOW) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to look at the image's root file system: %m");
        r = make_foreign_directory(new_fd, "layer", 0755, &layer);
        if (r >= 0)
                r = make_foreign_directory(layer, "upper", st.st_mode & 07777, &upper);
        if (r >= 0 && (fchown(upper, st.st_uid, st.st_gid) < 0 || futimens(upper, (const struct timespec[]) { st.st_atim, st.st_mtim }) < 0))
                r = -errno;
        if (r >= 0)
                r = make_foreign_directory(layer, "work", 0700, &work);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's layer: %m");
        *ret_layer_fd = TAKE_FD(layer);
        return 0;
}

static int build(Job *j, const char *name, const char *image, int containers_fd, int image_fd, const char *new_name, int new_fd,
                 uint32_t uid_base) {
        _cleanup_close_ int layer = -EBADF;
        int r;

        r = make_layer(j, new_fd, image_fd, &layer);
        if (r >= 0)
                r = write_conf(j, name, new_fd, image_fd, image, uid_base);
        if (r < 0)
                return r;

        /* After the file: a journal has the directories by then, and there is nothing to wait for. */
        r = path_sync_directory(layer);
        if (r >= 0)
                r = path_sync_directory(new_fd);
        if (r >= 0 && job_cancelled())
                return job_fail_cancelled(j);
        if (r >= 0 && renameat2(containers_fd, new_name, containers_fd, name, RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r == -EEXIST)
                return failure_set(&j->failure, FAILURE_CONTAINER_EXISTS, r, "There is a container '%s' already.", name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to put the container '%s' in its place: %m", name);

        r = path_sync_directory(containers_fd);
        if (r < 0) {
                (void) renameat2(containers_fd, name, containers_fd, new_name, RENAME_NOREPLACE);
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the container '%s' to the disk: %m", name);
        }
        return 0;
}

static int check_name(Job *j, const char *name, int containers_fd) {
        struct stat st;

        if (!container_name_valid(name)) {
                _cleanup_free_ char *why = NULL;

                (void) container_name_explain(name, &why);
                return failure_set(&j->failure, FAILURE_INVALID_NAME, EINVAL, "%s", why ?: "That is no name for a container.");
        }
        if (fstatat(containers_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                return failure_set(&j->failure, FAILURE_CONTAINER_EXISTS, EEXIST, "There is a container '%s' already.", name);
        return 0;
}

int job_create(Job *j) {
        _cleanup_close_ int containers = -EBADF, image_fd = -EBADF, hold = -EBADF, new_fd = -EBADF, profiles = -EBADF;
        _cleanup_free_ char *new_name = NULL;
        const char *name, *image;
        uint32_t uid_base;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "image", &image);
        if (r >= 0)
                r = store_open(j, DIR_CONTAINERS, &containers);
        if (r >= 0)
                r = check_name(j, name, containers);
        /* Nobody removes the image while there is no container yet that says it uses it. */
        if (r >= 0)
                r = store_lock_image(j, image, LOCK_SH, &image_fd);
        if (r < 0)
                return r;

        r = profiles_lock(j, LOCK_SH, &profiles);
        if (r < 0)
                return r;
        hold = uid_lease_hold(j->state_fd);
        r = hold < 0 ? hold : uid_lease_acquire(j->state_fd, name, &uid_base);
        if (r == -ENOSPC)
                return failure_set(&j->failure, FAILURE_LIMIT_REACHED, ERANGE, "No range of user ids is free for the container '%s'.", name);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to find a range of user ids for the container '%s': %m", name);

        r = store_make_new(j, containers, &new_name, &new_fd);
        if (r >= 0)
                r = build(j, name, image, containers, image_fd, new_name, new_fd, uid_base);
        if (r < 0) {
                if (new_name)
                        (void) path_remove_tree(containers, new_name);
                (void) uid_lease_release(j->state_fd, name, uid_base);
                return r;
        }

        job_result(j, "name=%s", name);
        job_commit(j);
        return 0;
}
