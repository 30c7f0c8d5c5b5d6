/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/luks.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/socket.h"
#include "basic/strv.h"
#include "settings/server.h"
#include "shared/mount.h"
#include "storage/luks-place.h"

#define PROGRAM BERTH_LIBEXECDIR "/berth-luks"
#define MKFS "/sbin/mkfs.ext4"
#define CONTROL "/dev/mapper/control"
#define SIZE_DEFAULT (UINT64_C(10) * 1024 * 1024 * 1024) /* sparse, or thin: what a guest may take at the most */
#define OVERHEAD (UINT64_C(32) * 1024 * 1024)
#define SIZE_MIN (UINT64_C(96) * 1024 * 1024)
#define TIMEOUT_MSEC (10 * 60 * 1000) /* a derivation made for a fast host takes minutes on a slow one */

static const Key *process_key;

void luks_use_key(const Key *k) {
        process_key = k;
}

typedef struct DeviceName {
        char name[sizeof "berth-" + LAYER_ID_LENGTH];
        char path[sizeof "/dev/mapper/berth-" + LAYER_ID_LENGTH];
} DeviceName;

static void name_device(const char *id, DeviceName *ret) {
        snprintf(ret->name, sizeof ret->name, "berth-%s", id);
        snprintf(ret->path, sizeof ret->path, "/dev/mapper/berth-%s", id);
}

/* A sentence that is there says more. */
static int fail(char **ret_error, int error, const Storage *s) {
        if (*ret_error)
                return error;
        switch (abs(error)) {
        case EPERM:
                return storage_fail(ret_error, error, "The key is wrong.");
        case ENOKEY:
                return storage_fail(ret_error, error, "It is encrypted; start it first.");
        case EBUSY:
        case EEXIST:
                return storage_fail(ret_error, error, "The encrypted volume is in use.");
        case EUCLEAN:
                return storage_fail(ret_error, error, "The encrypted volume is damaged.");
        default:
                return storage_fail(ret_error, error, "An encrypted volume of the store '%s' cannot be used: %m", s->name);
        }
}

int luks_check(char **ret_error) {
        _cleanup_close_ int control = open(CONTROL, O_RDWR | O_CLOEXEC);

        if (control < 0)
                return storage_fail(ret_error, EOPNOTSUPP, "Encryption needs the kernel's device-mapper, which this host does not have.");
        if (access(MKFS, X_OK) < 0)
                return storage_fail(ret_error, EOPNOTSUPP, "Encryption needs " MKFS " (package e2fsprogs).");
        return 0;
}

/* A key that others on the host can read is none. */
int luks_read_key_file(const char *path, Key **ret, char **ret_error) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;
        int r;

        if (fd < 0 || fstat(fd, &st) < 0)
                return storage_fail(ret_error, errno, "Its key cannot be read from '%s': %m", path);
        if (!S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & 0077))
                return storage_fail(ret_error, EACCES, "The file of its key, '%s', is not one that only root can read.", path);
        r = key_read(fd, 0, ret);
        return r < 0 ? storage_fail(ret_error, r, r == -ENODATA ? "The file of its key, '%s', is empty." : "Its key cannot be read from '%s': %m", path) : 0;
}

/* --- berth-luks --- */

typedef struct Run {
        const char *argv[5];
        int volume_fd;
        const Key *key;
        int other_fd; /* borrowed; negative: none */
} Run;

static _noreturn_ void execute(const Run *run, int key_fd) {
        /* What is moved first must not lie where another one goes. */
        int volume = fcntl(run->volume_fd, F_DUPFD_CLOEXEC, 10), other = run->other_fd < 0 ? -EBADF : fcntl(run->other_fd, F_DUPFD_CLOEXEC, 10);
        char *const environment[] = { (char *) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
        sigset_t none;

        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) signal(SIGPIPE, SIG_DFL);
        if (volume < 0 || dup2(key_fd, STDIN_FILENO) < 0 || dup2(volume, 3) < 0 || (other >= 0 && dup2(other, 4) < 0))
                _exit(EBADF);
        if (fd_close_all_except((int[]) { 3, 4 }, run->other_fd < 0 ? 1 : 2) < 0)
                _exit(EBADF);
        execve(PROGRAM, (char *const *) run->argv, environment);
        _exit(errno);
}

static int run_program(const Run *run) {
        _cleanup_close_ int key_fd = -EBADF;
        pid_t pid;
        int r;

        r = key_to_pipe(run->key, &key_fd);
        if (r < 0)
                return r;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                execute(run, key_fd);
        r = child_wait_timeout(pid, TIMEOUT_MSEC);
        return r < 0 ? -EIO : -r;
}

static void derivation_msec(char text[static DECIMAL_MAX]) {
        _cleanup_free_ char *error = NULL;
        ServerSettings s;

        /* What is wrong with a file is said elsewhere; its defaults hold. */
        (void) server_settings_load("", &s, &error);
        snprintf(text, DECIMAL_MAX, "%llu", (unsigned long long) (server_get_number(&s, SERVER_KEY_DERIVATION) / USEC_PER_MSEC));
        server_settings_done(&s);
}

/* --- the type --- */

static int check(const Storage *s, char **ret_error) {
        int r = luks_check(ret_error);

        return r < 0 ? r : luks_place(s)->check(s, ret_error);
}

static int space(const Storage *s, uint64_t *ret_used, uint64_t *ret_free) {
        const LuksPlace *place = luks_place(s);

        return place->space ? place->space(s, ret_used, ret_free) : -EOPNOTSUPP;
}

static int setup(Storage *s, uint64_t size, char **ret_error) {
        const LuksPlace *place = luks_place(s);

        return place->setup ? place->setup(s, size, ret_error) : 0;
}

static int make(const Storage *s, int layer_fd, const char *id, uint64_t size, char **ret_error) {
        const LuksPlace *place = luks_place(s);
        _cleanup_free_ char *ignored = NULL;
        _cleanup_close_ int fd = -EBADF;
        char msec[DECIMAL_MAX];
        DeviceName device;
        int r;

        size = size ?: s->size ?: SIZE_DEFAULT;
        if (size < SIZE_MIN)
                return storage_fail(ret_error, EINVAL, "An encrypted volume cannot be smaller than 96 MiB.");
        if (!process_key)
                return storage_fail(ret_error, ENOKEY, "The store '%s' is encrypted: a key is needed.", s->name);
        r = place->make(s, layer_fd, id, size, &fd, ret_error);
        if (r < 0)
                return fail(ret_error, r, s);
        name_device(id, &device);
        derivation_msec(msec);
        r = run_program(&(Run) { .argv = { "berth-luks", "format", device.name, msec }, .volume_fd = fd, .key = process_key, .other_fd = -EBADF });
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0) {
                fd = fd_close(fd);
                (void) place->remove(s, layer_fd, id, &ignored);
                return fail(ret_error, r, s);
        }
        return 0;
}

/* Of one that is open its supervisor has the file system hold still (launch/hold.c): all is in the file, or device. */
static int copy(const Storage *s, int from_fd, const char *from, int layer_fd, const char *id, char **ret_error) {
        int r = luks_place(s)->copy(s, from_fd, from, layer_fd, id, ret_error);

        return r < 0 ? fail(ret_error, r, s) : 0;
}

static int remove_volume(const Storage *s, int layer_fd, const char *id, char **ret_error) {
        int r = luks_place(s)->remove(s, layer_fd, id, ret_error);

        return r < 0 && r != -ENOENT && r != -EBUSY ? fail(ret_error, r, s) : r;
}

static int usage(const Storage *s, int layer_fd, const char *id, uint64_t *ret_bytes) {
        return luks_place(s)->usage(s, layer_fd, id, ret_bytes);
}

int luks_open_device(const char *id) {
        DeviceName device;
        int fd;

        name_device(id, &device);
        fd = open(device.path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

bool luks_is_open(const char *id) {
        DeviceName device;

        name_device(id, &device);
        return access(device.path, F_OK) >= 0;
}

/* --- mounting --- */

static int open_device(const Storage *s, int layer_fd, const char *id, int *ret_fd, char **ret_error) {
        _cleanup_close_ int fd = -EBADF, ours = -EBADF, theirs = -EBADF;
        int fds[2], device_fd, r;
        DeviceName device;
        size_t n = 1;
        char byte;

        r = luks_check(ret_error);
        if (r >= 0)
                r = process_key ? luks_place(s)->open(s, layer_fd, id, &fd, ret_error) : -ENOKEY;
        if (r < 0)
                return r;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];
        name_device(id, &device);
        r = run_program(&(Run) { .argv = { "berth-luks", "open", device.name }, .volume_fd = fd, .key = process_key, .other_fd = theirs });
        if (r < 0)
                return r == -EINVAL ? -EUCLEAN : r;
        theirs = fd_close(theirs);
        if (socket_receive(ours, &byte, 1, &device_fd, &n) != 1 || n != 1)
                return -EIO;
        *ret_fd = device_fd;
        return 0;
}

static int mount_device(const char *id, int *ret_mount_fd) {
        char *const options[] = { (char *) "prjquota", (char *) "noinit_itable", (char *) "discard", NULL };
        DeviceName device;
        int r;

        name_device(id, &device);
        r = mount_new("ext4", device.path, options, 0, ret_mount_fd);
        return r == -EINVAL ? -EUCLEAN : r;
}

static int mount_volume(const Storage *s, int layer_fd, const char *id, int *ret_mount_fd, char **ret_error) {
        _cleanup_close_ int device_fd = -EBADF;
        int r = 0;

        /* As long as this fd is there the device is. */
        device_fd = luks_open_device(id);
        if (device_fd < 0)
                r = open_device(s, layer_fd, id, &device_fd, ret_error);
        if (r >= 0)
                r = mount_device(id, ret_mount_fd);
        return r < 0 ? fail(ret_error, r, s) : 0;
}

/* What the header, the tables of inodes and the journal take comes on top. */
int luks_enlarge(const Volume *volume, uint64_t bytes, char **ret_error) {
        const Storage *s = volume->store;
        int r;

        if (s->type != &storage_luks)
                return 0;
        r = luks_place(s)->enlarge(s, volume->layer_fd, volume->id, bytes + bytes / 32 + OVERHEAD, ret_error);
        if (r >= 0)
                return 0;
        return *ret_error ? r : storage_fail(ret_error, r, "An encrypted volume of the store '%s' cannot be made larger: %m", s->name);
}

int luks_open_root(const char *id) {
        _cleanup_close_ int device_fd = luks_open_device(id), mount_fd = -EBADF;
        int r, fd;

        r = device_fd < 0 ? device_fd : mount_device(id, &mount_fd);
        if (r < 0)
                return r;
        fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int luks_freeze(const char *id) {
        _cleanup_close_ int fd = luks_open_root(id);

        if (fd < 0)
                return fd;
        return ioctl(fd, FIFREEZE, 0) < 0 ? -errno : TAKE_FD(fd);
}

void luks_thaw(int fd) {
        if (fd >= 0)
                (void) ioctl(fd, FITHAW, 0);
        (void) fd_close(fd);
}

int luks_change_key(const Volume *volume, const Key *old, const Key *new, char **ret_error) {
        _cleanup_close_ int fd = -EBADF, new_fd = -EBADF;
        char msec[DECIMAL_MAX];
        int r;

        if (volume->store->type != &storage_luks)
                return storage_fail(ret_error, EOPNOTSUPP, "It is not encrypted.");
        r = luks_place(volume->store)->open(volume->store, volume->layer_fd, volume->id, &fd, ret_error);
        if (r >= 0)
                r = key_to_pipe(new, &new_fd);
        if (r >= 0) {
                derivation_msec(msec);
                r = run_program(&(Run) { .argv = { "berth-luks", "change-key", msec }, .volume_fd = fd, .key = old, .other_fd = new_fd });
        }
        return r < 0 ? fail(ret_error, r == -EINVAL ? -EUCLEAN : r, volume->store) : 0;
}

const StorageType storage_luks = {
        .name = "luks",
        .sealed = true,
        .check = check,
        .make = make,
        .copy = copy,
        .remove = remove_volume,
        .mount = mount_volume,
        .space = space,
        .setup = setup,
        .usage = usage,
};
