/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/profile.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/profile.h"
#include "shared/names.h"
#include "worker/apparmor-check.h"
#include "worker/container-conf.h"
#include "worker/live.h"
#include "worker/store.h"

/* profile: one is made, changed, copied, renamed or deleted. Containers that run and use it follow at once; when one of them cannot be given
 * what it says now, it stays as it was. */

#define PROFILES_PATH BERTH_CONFIG_DIR "/" PROFILES_DIR

typedef struct Profile {
        Job *job;
        int dir_fd;          /* owned: /etc/berth/profiles, locked */
        const char *name;    /* borrowed */
        char *file_name;     /* owned */
        SettingsFile *file;  /* owned: as it is; NULL: there is none */
        char *path;          /* owned: which file that is */
        char **users;        /* owned: containers */
} Profile;

static void profile_done(Profile *p) {
        p->dir_fd = fd_close(p->dir_fd);
        settings_file_free(p->file);
        free(p->file_name);
        free(p->path);
        strv_free(p->users);
}

int profiles_lock(Job *j, int operation, int *ret_fd) {
        _cleanup_close_ int etc = -EBADF, fd = -EBADF;

        /* What is not there cannot be changed: those that are shipped stay. */
        if (operation == LOCK_SH && access(PROFILES_PATH, F_OK) < 0)
                return 0;
        if (mkdir(BERTH_CONFIG_DIR, 0755) < 0 && errno != EEXIST)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make '%s': %m", BERTH_CONFIG_DIR);
        (void) chmod(BERTH_CONFIG_DIR, 0755);
        etc = open(BERTH_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (etc < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to open '%s': %m", BERTH_CONFIG_DIR);
        fd = path_make_directory(etc, PROFILES_DIR, 0755);
        if (fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, fd, "Failed to make '%s': %m", PROFILES_PATH);
        (void) fchmod(fd, 0755);
        if (flock(fd, operation) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to lock '%s': %m", PROFILES_PATH);
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int no_such_profile(Job *j, const char *name) {
        return failure_set(&j->failure, FAILURE_NO_SUCH_PROFILE, ENOENT, "There is no profile '%s'.", name_for_message(name));
}

static int load(Job *j, const char *name, SettingsFile **ret, char **ret_path) {
        _cleanup_free_ char *error = NULL;
        int r = profile_load("", name, ret, ret_path, &error);

        if (r == -ENOENT)
                return r;
        return r < 0 ? failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "The profile '%s' cannot be read: %s", name, error ?: strerror(-r)) : 0;
}

int profiles_check(Job *j, const SettingsFile *f) {
        _cleanup_free_ char *value = NULL, *error = NULL;
        int r;

        r = settings_file_get(f, "Container.Profiles", &value, &error);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        for (char *rest = value, *name; (name = strsep(&rest, " ,"));) {
                _cleanup_(settings_file_freep) SettingsFile *profile = NULL;

                r = *name ? load(j, name, &profile, NULL) : 0;
                if (r < 0)
                        return r != -ENOENT ? r : failure_set(&j->failure, FAILURE_NO_SUCH_PROFILE, ENOENT, "Profiles: there is no profile '%s'.", name_for_message(name));
        }
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

static int find_users(Profile *p) {
        _cleanup_close_ int containers = -EBADF;
        struct dirent *de;
        DIR *d;
        int r;

        r = store_open(p->job, DIR_CONTAINERS, &containers);
        if (r < 0)
                return r;
        d = fdopendir(containers);
        if (!d)
                return -errno;
        TAKE_FD(containers);
        while (r >= 0 && (de = readdir(d))) {
                _cleanup_strv_ char **names = NULL;
                _cleanup_free_ char *error = NULL;

                if (!container_name_valid(de->d_name) || profile_list_of_container("", de->d_name, &names, &error) < 0)
                        continue; /* what cannot be read does not start either */
                if (strv_find(names, p->name))
                        r = strv_extend(&p->users, de->d_name);
        }
        (void) closedir(d);
        if (p->users)
                qsort(p->users, strv_length(p->users), sizeof *p->users, compare_names);
        return r;
}

static int write_text(Profile *p, const char *file_name, const char *text) {
        int r = path_write_atomic(p->dir_fd, file_name, text, strlen(text), 0644);

        return r < 0 ? failure_set(&p->job->failure, FAILURE_JOB_FAILED, r, "Failed to write '%s/%s': %m", PROFILES_PATH, file_name) : 0;
}

static int check_text(Profile *p, const char *file_name, const char *text) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *error = NULL;
        int r = profile_parse(file_name, text, &f, &error);

        return r < 0 ? failure_set(&p->job->failure, FAILURE_BAD_SETTINGS, r, "%s", error ?: strerror(-r)) : apparmor_check(p->job, NULL, -EBADF, f);
}

static int apply_to_users(Profile *p, char ***restarts) {
        int r = 0;

        STRV_FOREACH(user, p->users) {
                _cleanup_strv_ char **next_start = NULL;

                r = live_apply(p->job, *user, NULL, &next_start);
                if (r >= 0 && next_start)
                        r = strv_extend(restarts, *user);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int remove_file(Profile *p) {
        if (unlinkat(p->dir_fd, p->file_name, 0) < 0)
                return failure_set(&p->job->failure, FAILURE_JOB_FAILED, errno, "Failed to remove '%s/%s': %m", PROFILES_PATH, p->file_name);
        return path_sync_directory(p->dir_fd);
}

static bool is_own(const Profile *p) {
        return p->path && startswith(p->path, BERTH_CONFIG_DIR "/");
}

/* NULL: the file in /etc goes away, and with it what it says. */
static int replace(Profile *p, const char *text) {
        _cleanup_free_ char *before = NULL, *joined = NULL;
        _cleanup_strv_ char **restarts = NULL;
        int r;

        r = p->file && is_own(p) ? settings_file_print(p->file, &before) : 0;
        if (r >= 0)
                r = text ? write_text(p, p->file_name, text) : remove_file(p);
        if (r < 0)
                return r;
        r = apply_to_users(p, &restarts);
        if (r == -EKEYREJECTED) {
                if (before)
                        (void) write_text(p, p->file_name, before);
                else
                        (void) unlinkat(p->dir_fd, p->file_name, 0);
                (void) apply_to_users(p, &restarts);
        }
        if (r >= 0)
                r = strv_join(restarts, " ", &joined);
        if (r >= 0)
                job_result(p->job, "next-start=%s", joined);
        return r;
}

static int check_there(Profile *p) {
        return p->file ? 0 : no_such_profile(p->job, p->name);
}

static int do_create(Profile *p) {
        const char *text;
        int r;

        r = job_get(p->job, "text", &text);
        if (r < 0)
                return r;
        if (p->file)
                return failure_set(&p->job->failure, FAILURE_PROFILE_EXISTS, EEXIST, "There is a profile '%s' already.", p->name);
        r = check_text(p, p->file_name, text);
        return r < 0 ? r : replace(p, text);
}

static int do_set(Profile *p) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = check_there(p);
        if (r >= 0)
                r = container_conf_apply_request(p->job, NULL, p->file);
        if (r >= 0)
                r = apparmor_check(p->job, NULL, -EBADF, p->file);
        if (r >= 0)
                r = settings_file_print(p->file, &text);
        if (r < 0)
                return r;
        /* As it was, for when it has to go back. */
        p->file = settings_file_free(p->file);
        p->path = (free(p->path), NULL);
        r = load(p->job, p->name, &p->file, &p->path);
        return r < 0 ? r : replace(p, text);
}

static int do_replace(Profile *p) {
        _cleanup_free_ char *now = NULL;
        const char *text, *before;
        int r;

        r = check_there(p);
        if (r >= 0)
                r = job_get(p->job, "text", &text);
        if (r >= 0)
                r = job_get(p->job, "before", &before);
        if (r >= 0)
                r = settings_file_print(p->file, &now);
        if (r < 0)
                return r;
        if (!streq(now, before))
                return failure_set(&p->job->failure, FAILURE_BUSY, EBUSY, "The profile '%s' was changed by somebody else meanwhile.", p->name);
        r = check_text(p, p->file_name, text);
        return r < 0 ? r : replace(p, text);
}

static int do_delete(Profile *p) {
        _cleanup_free_ char *vendor = NULL, *users = NULL;
        int r;

        r = check_there(p);
        if (r < 0)
                return r;
        if (!is_own(p))
                return failure_set(&p->job->failure, FAILURE_NOT_SUPPORTED, EPERM, "The profile '%s' is shipped in '%s' and cannot be deleted.", p->name, p->path);
        if (asprintf(&vendor, BERTH_VENDOR_DIR "/" PROFILES_DIR "/%s", p->file_name) < 0)
                return -ENOMEM;
        /* With a shipped one below it, that holds again, for its users too. */
        if (p->users && access(vendor, F_OK) < 0) {
                r = strv_join(p->users, "', '", &users);
                return r < 0 ? r : failure_set(&p->job->failure, FAILURE_PROFILE_IN_USE, EBUSY, "The profile '%s' is used by '%.800s'.", p->name, users);
        }
        return replace(p, NULL);
}

/* In the containers' own files. */
static int rename_in_users(Profile *p, const char *new_name) {
        STRV_FOREACH(user, p->users) {
                _cleanup_(settings_file_freep) SettingsFile *f = NULL;
                _cleanup_close_ int containers = -EBADF, container = -EBADF;
                _cleanup_free_ char *value = NULL, *joined = NULL, *error = NULL;
                _cleanup_strv_ char **names = NULL;
                int r;

                r = store_open(p->job, DIR_CONTAINERS, &containers);
                if (r >= 0)
                        r = store_lock(containers, *user, LOCK_EX, &container);
                if (r == -ENOENT)
                        continue;
                if (r >= 0)
                        r = container_conf_read(p->job, *user, container, &f);
                if (r >= 0)
                        r = settings_file_get(f, "Container.Profiles", &value, &error);
                if (r == -ENOENT)
                        return failure_set(&p->job->failure, FAILURE_PROFILE_IN_USE, EBUSY, "A file in /etc/berth/containers/%s.conf.d names the profile '%s'.", *user, p->name);
                for (char *rest = value, *name; r >= 0 && (name = strsep(&rest, " ,"));)
                        if (*name)
                                r = strv_extend(&names, streq(name, p->name) ? new_name : name);
                if (r >= 0)
                        r = strv_join(names, " ", &joined);
                if (r >= 0)
                        r = settings_file_set(f, "Container.Profiles", joined, &error);
                if (r >= 0)
                        r = container_conf_write(p->job, *user, container, f);
                if (r < 0)
                        return failure_set(&p->job->failure, FAILURE_JOB_FAILED, r, "Failed to change the profiles of container '%s': %s", *user, error ?: strerror(-r));
        }
        return 0;
}

static int do_copy_or_rename(Profile *p, bool rename) {
        _cleanup_(settings_file_freep) SettingsFile *other = NULL;
        _cleanup_free_ char *text = NULL, *file_name = NULL;
        const char *new_name;
        int r;

        r = check_there(p);
        if (r >= 0)
                r = job_get(p->job, "new-name", &new_name);
        if (r < 0)
                return r;
        if (!profile_name_valid(new_name))
                return failure_set(&p->job->failure, FAILURE_INVALID_NAME, EINVAL, "'%s' is no name for a profile.", name_for_message(new_name));
        if (rename && !is_own(p))
                return failure_set(&p->job->failure, FAILURE_NOT_SUPPORTED, EPERM, "The profile '%s' is shipped in '%s' and cannot be renamed; copy it.", p->name, p->path);
        r = load(p->job, new_name, &other, NULL);
        if (r >= 0)
                return failure_set(&p->job->failure, FAILURE_PROFILE_EXISTS, EEXIST, "There is a profile '%s' already.", new_name);
        if (r != -ENOENT)
                return r;
        if (asprintf(&file_name, "%s.conf", new_name) < 0)
                return -ENOMEM;
        r = settings_file_print(p->file, &text);
        if (r >= 0)
                r = write_text(p, file_name, text);
        if (r < 0 || !rename)
                return r;
        /* Whenever this ends, every name that a container has is there. */
        r = rename_in_users(p, new_name);
        return r < 0 ? r : remove_file(p);
}

static int do_copy(Profile *p) {
        return do_copy_or_rename(p, false);
}

static int do_rename(Profile *p) {
        return do_copy_or_rename(p, true);
}

int job_profile(Job *j) {
        static const struct {
                const char *name;
                int (*function)(Profile *p);
        } actions[] = {
                { "create", do_create }, { "set", do_set }, { "replace", do_replace }, { "delete", do_delete }, { "copy", do_copy }, { "rename", do_rename },
        };
        _cleanup_(profile_done) Profile p = { .job = j, .dir_fd = -EBADF };
        const char *action;
        int r;

        r = job_get(j, "name", &p.name);
        if (r >= 0)
                r = job_get(j, "action", &action);
        if (r < 0)
                return r;
        if (!profile_name_valid(p.name))
                return failure_set(&j->failure, FAILURE_INVALID_NAME, EINVAL, "'%s' is no name for a profile.", name_for_message(p.name));
        if (asprintf(&p.file_name, "%s.conf", p.name) < 0)
                return -ENOMEM;
        r = profiles_lock(j, LOCK_EX, &p.dir_fd);
        if (r >= 0)
                r = load(j, p.name, &p.file, &p.path);
        if (r >= 0 || r == -ENOENT)
                r = find_users(&p);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(actions); i++)
                if (streq(action, actions[i].name)) {
                        r = actions[i].function(&p);
                        if (r >= 0)
                                job_commit(j);
                        return r;
                }
        return r < 0 ? r : failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "There is no such thing to do with a profile.");
}
