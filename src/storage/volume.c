/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/volume.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"

#define FILE_SIZE_MAX (STORAGE_NAME_MAX + LAYER_ID_LENGTH + 2)

void volume_done(Volume *v) {
        v->store = storage_free(v->store);
        v->layer_fd = -EBADF;
}

/* Both that it is root's and what it says are looked at by one descriptor. */
static int read_file(int layer_fd, char store[static STORAGE_NAME_MAX + 1], char id[static LAYER_ID_LENGTH + 1]) {
        _cleanup_close_ int fd = path_open_beneath(layer_fd, VOLUME_FILE, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
        char text[FILE_SIZE_MAX + 1], *blank;
        struct stat st;
        ssize_t n;

        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_uid != 0)
                return -EBADMSG;
        n = fd_read_all(fd, text, sizeof text - 1);
        if (n < 0)
                return (int) n;
        text[n] = 0;
        text[strcspn(text, "\n")] = 0;
        blank = strchr(text, ' ');
        if (!blank)
                return -EBADMSG;
        *blank = 0;
        if (!storage_name_valid(text) || !layer_id_valid(blank + 1))
                return -EBADMSG;
        memcpy(store, text, strlen(text) + 1);
        memcpy(id, blank + 1, LAYER_ID_LENGTH + 1);
        return 0;
}

bool volume_is_in_store(int layer_fd, const char *store) {
        char its[STORAGE_NAME_MAX + 1], id[LAYER_ID_LENGTH + 1];

        return read_file(layer_fd, its, id) >= 0 && streq(its, store);
}

int volume_open(int layer_fd, const char *id, Volume *ret, char **ret_error) {
        char store[STORAGE_NAME_MAX + 1];
        Volume v = { .layer_fd = layer_fd };
        int r;

        r = read_file(layer_fd, store, v.id);
        if (r == -ENOENT) {
                snprintf(v.id, sizeof v.id, "%s", id);
                r = storage_load_default(&storage_overlay, &v.store);
        } else if (r < 0)
                return storage_fail(ret_error, r, "What store a container's layer is in cannot be read: %m");
        else
                r = streq(store, STORAGE_DEFAULT) ? storage_load_default(&storage_btrfs, &v.store) : storage_load(store, &v.store, ret_error);
        if (r < 0)
                return r;
        *ret = v;
        return 0;
}

int volume_open_layer(int state_fd, const char *id, int *ret_layer_fd) {
        char path[sizeof DIR_LAYERS "/" + LAYER_ID_LENGTH];
        int fd;

        snprintf(path, sizeof path, DIR_LAYERS "/%s", id);
        fd = path_open_beneath(state_fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd;
        *ret_layer_fd = fd;
        return 0;
}

static int write_file(int layer_fd, const Storage *store, const char *id) {
        char text[FILE_SIZE_MAX + 1];

        if (store->type == &storage_overlay)
                return 0;
        snprintf(text, sizeof text, "%s %s\n", store->name, id);
        return path_write_atomic(layer_fd, VOLUME_FILE, text, strlen(text), 0600);
}

static int begin(int layer_fd, Storage *store, const char *id, Volume *v, char **ret_error) {
        int r;

        *v = (Volume) { .layer_fd = layer_fd, .store = store };
        snprintf(v->id, sizeof v->id, "%s", id);
        r = write_file(layer_fd, store, id);
        return r < 0 ? storage_fail(ret_error, r, "A layer for the store '%s' cannot be made: %m", store->name) : 0;
}

/* What failed has left no volume, but only who can see that may forget it. */
static int forget(Volume *v, int error) {
        _cleanup_free_ char *ignored = NULL;
        int r = v->store->type->remove(v->store, v->layer_fd, v->id, &ignored);

        if (r >= 0 || r == -ENOENT)
                (void) unlinkat(v->layer_fd, VOLUME_FILE, 0);
        volume_done(v);
        return error;
}

int volume_make(int layer_fd, Storage *store, const char *id, Volume *ret, char **ret_error) {
        Volume v;
        int r;

        r = begin(layer_fd, store, id, &v, ret_error);
        if (r >= 0)
                r = store->type->make(store, layer_fd, id, 0, ret_error);
        if (r < 0)
                return forget(&v, r);
        *ret = v;
        return 0;
}

int volume_make_copy(int layer_fd, const Volume *from, const char *id, Volume *ret, char **ret_error) {
        Storage *store;
        Volume v;
        int r;

        if (from->store->type == &storage_overlay)
                r = storage_load_default(&storage_overlay, &store);
        else if (streq(from->store->name, STORAGE_DEFAULT))
                r = storage_load_default(from->store->type, &store);
        else
                r = storage_load(from->store->name, &store, ret_error);
        if (r < 0)
                return r;
        r = begin(layer_fd, store, id, &v, ret_error);
        if (r >= 0)
                r = store->type->copy(store, from->layer_fd, from->id, layer_fd, id, ret_error);
        if (r < 0)
                return forget(&v, r);
        *ret = v;
        return 0;
}

/* The one sends in a process of its own: both are as fast as the slower then, and nothing is kept in between. */
static int stream(const Volume *from, const Volume *to, char **ret_error) {
        _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
        _cleanup_free_ char *ignored = NULL;
        int fds[2], r, status;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return storage_fail(ret_error, errno, "A pipe cannot be made: %m");
        read_fd = fds[0];
        write_fd = fds[1];
        pid = fork();
        if (pid < 0)
                return storage_fail(ret_error, errno, "A process cannot be started: %m");
        if (pid == 0) {
                read_fd = fd_close(read_fd);
                _exit(from->store->type->send(from->store, from->layer_fd, from->id, write_fd, &ignored) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        write_fd = fd_close(write_fd);
        r = to->store->type->receive(to->store, to->layer_fd, to->id, read_fd, ret_error);
        read_fd = fd_close(read_fd);
        status = child_wait(pid);
        return r >= 0 && status != 0 ? storage_fail(ret_error, EIO, "The store '%s' cannot send what the container has written.", from->store->name) : r;
}

int volume_make_streamed(int layer_fd, const Volume *from, Storage *store, const char *id, Volume *ret, char **ret_error) {
        Volume v;
        int r;

        if (from->store->type != store->type || !store->type->send)
                return -EOPNOTSUPP;
        r = begin(layer_fd, store, id, &v, ret_error);
        if (r >= 0)
                r = stream(from, &v, ret_error);
        if (r < 0)
                return forget(&v, r);
        *ret = v;
        return 0;
}

int volume_mount(const Volume *v, int *ret_mount_fd, char **ret_error) {
        return v->store->type->mount(v->store, v->layer_fd, v->id, ret_mount_fd, ret_error);
}

int volume_open_root(const Volume *v, int *ret_fd, char **ret_error) {
        _cleanup_close_ int mount_fd = -EBADF;
        int r, fd;

        /* Where it is a directory that is there anyway no capability for mounts is needed. */
        if (v->store->type != &storage_overlay) {
                r = volume_mount(v, &mount_fd, ret_error);
                if (r < 0)
                        return r;
        }
        /* The mount goes when its descriptor does, but for what is open on it (as with MNT_DETACH): then with the last file. */
        fd = openat(mount_fd >= 0 ? mount_fd : v->layer_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return storage_fail(ret_error, errno, "A volume of the store '%s' cannot be opened: %m", v->store->name);
        *ret_fd = fd;
        return 0;
}

int volume_usage(const Volume *v, uint64_t *ret_bytes) {
        return v->store->type->usage(v->store, v->layer_fd, v->id, ret_bytes);
}

/* -ENOENT: it is no layer with a volume. */
static int remove_one(int dir_fd, const char *name, char **ret_error) {
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        char store[STORAGE_NAME_MAX + 1], id[LAYER_ID_LENGTH + 1];
        _cleanup_close_ int layer = -EBADF;
        int r;

        if (!streq(name, "layer") && !layer_id_valid(name))
                return 0;
        layer = path_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
        /* A link, for people. */
        if (layer == -ELOOP || layer == -ENOTDIR || layer == -ENOENT)
                return 0;
        r = layer < 0 ? layer : read_file(layer, store, id);
        /* Nobody's but root's can be one, and root's is complete: path_write_atomic(). */
        if (r == -ENOENT || r == -EBADMSG)
                return 0;
        if (r >= 0)
                r = volume_open(layer, id, &v, ret_error);
        if (r >= 0)
                r = v.store->type->remove(v.store, layer, id, ret_error);
        return r == -ENOENT && v.store ? 0 : r;
}

int volumes_remove(int dir_fd, const char *name, char **ret_error) {
        struct dirent *de;
        int fd, r;
        DIR *d;

        r = remove_one(dir_fd, name, ret_error);
        if (r < 0)
                return r;
        fd = path_open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (fd == -ELOOP || fd == -ENOTDIR)
                return 0;
        d = fd < 0 ? NULL : fdopendir(fd);
        if (!d) {
                r = fd < 0 ? fd : -errno;
                (void) fd_close(fd);
                return r;
        }
        while (r >= 0 && (errno = 0, de = readdir(d)))
                r = remove_one(dirfd(d), de->d_name, ret_error);
        if (r >= 0 && errno != 0)
                r = -errno;
        (void) closedir(d);
        return r;
}
