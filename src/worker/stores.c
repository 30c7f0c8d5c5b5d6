/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/quantity.h"
#include "settings/server.h"
#include "shared/names.h"
#include "storage/volume.h"
#include "worker/store.h"

/* stores: a list of what stores there are, in which state and how full; or a new one. A job, because programs of the host are asked, and a file system that does
 * not answer holds up whoever asks. */


static void count_one(const char *file, int dir_fd, char *const *names, unsigned *counts) {
        _cleanup_free_ char *text = NULL;
        const char *store;
        size_t n;

        if (path_read(dir_fd, file, SETTINGS_FILE_SIZE_MAX, &text, NULL) < 0)
                return;
        store = strstr(text, "\nStore=");
        store = store ? store + strlen("\nStore=") : STORAGE_DEFAULT;
        n = strcspn(store, "\n");
        if (n == 0)
                n = strlen(store = STORAGE_DEFAULT);
        for (size_t i = 0; names[i]; i++)
                if (strlen(names[i]) == n && strncmp(names[i], store, n) == 0)
                        counts[i]++;
}

static void count_containers(Job *j, char *const *names, unsigned *counts) {
        int fd = path_open_beneath(j->state_fd, DIR_CONTAINERS, O_RDONLY | O_DIRECTORY, 0);
        DIR *d = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *de;

        if (!d) {
                (void) fd_close(fd);
                return;
        }
        while ((de = readdir(d))) {
                char path[CONTAINER_NAME_MAX + sizeof "/container.conf"];

                if (!container_name_valid(de->d_name))
                        continue;
                snprintf(path, sizeof path, "%.*s/container.conf", (int) CONTAINER_NAME_MAX, de->d_name);
                count_one(path, dirfd(d), names, counts);
        }
        (void) closedir(d);
}

static int print_one(FILE *f, const char *name, unsigned containers) {
        _cleanup_(storage_freep) Storage *s = NULL;
        _cleanup_free_ char *error = NULL, *escaped = NULL;
        uint64_t used = 0, left = 0;
        bool known = false;
        int r;

        r = storage_load(name, &s, &error);
        if (r == -ENOENT)
                return 0;
        if (r >= 0) {
                known = s->type->space && s->type->space(s, &used, &left) >= 0;
                r = s->type->check(s, &error);
        }
        if (r == -ENOMEM)
                return r;
        r = string_escape(r >= 0 ? "ok" : error ?: strerror(-r), &escaped);
        if (r < 0)
                return r;
        fprintf(f, "%s\t%s\t%s\t%u\t", name, s ? s->type->name : "", s ? storage_place(s) ?: "" : "", containers);
        if (known)
                fprintf(f, "%llu\t%llu\t", (unsigned long long) used, (unsigned long long) left);
        else
                fprintf(f, "\t\t");
        return fprintf(f, "%s\n", escaped) < 0 ? -EIO : 0;
}

static int list(Job *j, int fd) {
        _cleanup_strv_ char **names = NULL;
        _cleanup_free_ unsigned *counts = NULL;
        FILE *f;
        int r;

        r = storage_list(&names);
        if (r < 0)
                return r;
        counts = calloc(strv_length(names), sizeof *counts);
        f = counts ? fdopen(fd, "w") : NULL;
        if (!f) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        count_containers(j, names, counts);
        for (size_t i = 0; r >= 0 && names[i]; i++)
                r = print_one(f, names[i], counts[i]);
        return fclose(f) != 0 && r >= 0 ? -errno : r;
}

/* Path=, Dataset= and so on as the file has them, size is of what is made. */
static int configure(Job *j, Storage *s, uint64_t *ret_size) {
        _cleanup_strv_ char **settings = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = message_get_strv(j->request, "setting", &settings);
        STRV_FOREACH(i, settings) {
                _cleanup_free_ char *key = strndup(*i, strcspn(*i, "="));
                const char *value = strchr(*i, '=');

                if (r < 0)
                        break;
                if (!key)
                        return -ENOMEM;
                r = value ? 0 : storage_fail(&error, EINVAL, "'%s' is not KEY=VALUE.", name_for_message(*i));
                if (r >= 0 && streq(key, "Size"))
                        r = parse_size(value + 1, ret_size) < 0 ? storage_fail(&error, EINVAL, "'%s' is no size, as 20G is.", name_for_message(value + 1)) : 0;
                else if (r >= 0)
                        r = storage_set(s, key, value + 1, &error);
        }
        return r < 0 ? failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, r, "%s", error ?: strerror(-r)) : 0;
}

static int open_directory(Job *j, int *ret_fd) {
        _cleanup_close_ int dir = -EBADF;

        (void) mkdir(BERTH_CONFIG_DIR, 0755);
        (void) mkdir(BERTH_CONFIG_DIR "/" STORES_DIR, 0755);
        dir = open(BERTH_CONFIG_DIR "/" STORES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || flock(dir, LOCK_EX) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Cannot open " BERTH_CONFIG_DIR "/" STORES_DIR ": %m");
        *ret_fd = TAKE_FD(dir);
        return 0;
}

/* What there was not before the first store. */
static void remove_empty(void) {
        (void) rmdir(BERTH_CONFIG_DIR "/" STORES_DIR);
        (void) rmdir(BERTH_STATE_DIR "/stores");
}

/* Is there a layer with a volume of it in this directory, or, if depth is not 0, in those in it? What a guest has written is not looked through, and a file there would not be
 * taken for one (volume.h). */
static bool names_store(int dir_fd, const char *store, unsigned depth) {
        int copy = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dirent *de;
        bool found = false;
        DIR *d = copy < 0 ? NULL : fdopendir(copy);

        if (!d) {
                (void) fd_close(copy);
                return false;
        }
        found = volume_is_in_store(dir_fd, store);
        while (!found && depth > 0 && (de = readdir(d))) {
                _cleanup_close_ int fd = -EBADF;

                if (streq(de->d_name, ".") || streq(de->d_name, "..") || streq(de->d_name, "upper") || streq(de->d_name, "work"))
                        continue;
                fd = path_open_beneath(dir_fd, de->d_name, O_RDONLY | O_DIRECTORY, 0);
                found = fd >= 0 && names_store(fd, store, depth - 1);
        }
        (void) closedir(d);
        return found;
}

static bool is_used(Job *j, const char *store) {
        /* layers/ID; containers/.new-JOB/layer; trash/JOB/ID, or a container that was being made. */
        static const struct {
                const char *directory;
                unsigned depth;
        } places[] = { { DIR_LAYERS, 1 }, { DIR_CONTAINERS, 2 }, { DIR_TRASH, 3 } };

        for (size_t i = 0; i < ELEMENTSOF(places); i++) {
                _cleanup_close_ int fd = path_open_beneath(j->state_fd, places[i].directory, O_RDONLY | O_DIRECTORY, 0);

                if (fd >= 0 && names_store(fd, store, places[i].depth))
                        return true;
        }
        return false;
}

/* > 0: there is one. That of encrypted containers, which is there without a file, can get one as long as none uses it. */
static int is_described(Job *j, const char *name) {
        _cleanup_(storage_freep) Storage *there = NULL;
        _cleanup_free_ char *error = NULL;
        _cleanup_strv_ char **names = NULL;
        int r;

        if (storage_load(name, &there, &error) == -ENOENT)
                return false;
        if (!streq(name, STORAGE_ENCRYPTED))
                return true;
        r = storage_list(&names);
        return r < 0 ? r : strv_find(names, name) || is_used(j, name);
}

static int add(Job *j, const char *name) {
        _cleanup_free_ char *error = NULL, *text = NULL, *file = NULL;
        _cleanup_(storage_freep) Storage *s = NULL;
        _cleanup_close_ int dir = -EBADF;
        const char *type;
        uint64_t size = 0;
        int r;

        r = job_get(j, "type", &type);
        if (r < 0)
                return r;
        r = storage_new(name, type, &s, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, r, "%s", error ?: strerror(-r));
        if (s->type == &storage_overlay)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "The overlay store is there without being made: it is the one called '" STORAGE_DEFAULT "'.");
        r = configure(j, s, &size);
        if (r >= 0)
                r = open_directory(j, &dir);
        if (r < 0)
                return r;
        r = is_described(j, name);
        if (r > 0)
                return failure_set(&j->failure, FAILURE_FILE_EXISTS, EEXIST, "There is a store '%s' already.", name);
        if (r >= 0 && s->type->setup)
                r = s->type->setup(s, size, &error);
        if (r >= 0)
                r = s->type->check(s, &error);
        if (r < 0)
                remove_empty();
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "%s", error ?: strerror(-r));
        r = storage_print(s, &text);
        if (r >= 0 && asprintf(&file, "%s.conf", name) < 0) {
                file = NULL;
                r = -ENOMEM;
        }
        if (r >= 0)
                r = path_write_atomic(dir, file, text, strlen(text), 0644);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The store '%s' cannot be written down: %m", name) : 0;
}

static int check_default(Job *j, const char *name) {
        _cleanup_free_ char *error = NULL;
        ServerSettings s;
        bool is_default;

        /* What is wrong with a file is said elsewhere. */
        (void) server_settings_load("", &s, &error);
        is_default = streq(server_get(&s, SERVER_DEFAULT_STORE), name);
        server_settings_done(&s);
        return is_default ? failure_set(&j->failure, FAILURE_BUSY, EBUSY, "New containers are made in the store '%s' (DefaultStore=).", name) : 0;
}

/* A job that began to make a volume when the file was there has written down which store it is in before it made it: so the file goes first, and comes back
 * when one is found. */
static int remove_store(Job *j, const char *name) {
        char file[STORAGE_NAME_MAX + sizeof ".conf"], away[STORAGE_NAME_MAX + sizeof ".conf.removed"];
        _cleanup_(storage_freep) Storage *s = NULL;
        _cleanup_close_ int dir = -EBADF;
        _cleanup_free_ char *error = NULL;
        int r;

        if (!storage_name_valid(name) || streq(name, STORAGE_DEFAULT))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "That is no store that can be removed.");
        r = check_default(j, name);
        if (r >= 0)
                r = open_directory(j, &dir);
        if (r < 0)
                return r;
        r = storage_load(name, &s, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, r, "%s", error ?: strerror(-r));
        snprintf(file, sizeof file, "%s.conf", name);
        snprintf(away, sizeof away, "%s.conf.removed", name);
        if (renameat(dir, file, dir, away) < 0)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, errno, errno == ENOENT ? "The store '%s' is not described in " BERTH_CONFIG_DIR "/" STORES_DIR ", and so not berth's to remove."
                                                                                                  : "The store '%s' cannot be removed: %m", name);
        if (is_used(j, name))
                r = failure_set(&j->failure, FAILURE_BUSY, EBUSY, "The store '%s' has files of containers.", name);
        else if (s->type->teardown) {
                r = s->type->teardown(s, &error);
                if (r < 0)
                        r = failure_set(&j->failure, FAILURE_JOB_FAILED, r, "%s", error ?: strerror(-r));
        }
        if (r < 0) {
                (void) renameat(dir, away, dir, file);
                return r;
        }
        (void) unlinkat(dir, away, 0);
        r = path_sync_directory(dir);
        remove_empty();
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "The store '%s' cannot be removed: %m", name) : 0;
}

int job_stores(Job *j) {
        const char *name = message_get(j->request, "add"), *old = message_get(j->request, "remove");
        int r;

        if (name)
                r = add(j, name);
        else if (old)
                r = remove_store(j, old);
        else {
                r = message_take_fd(j->request, 0);
                r = r < 0 ? r : list(j, r);
                if (r < 0)
                        return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to list the stores: %m");
        }
        if (r >= 0)
                job_commit(j);
        return r;
}
