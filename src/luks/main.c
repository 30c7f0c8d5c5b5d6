/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <libcryptsetup.h>
#include <linux/capability.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/socket.h"
#include "basic/strv.h"
#include "shared/key.h"
#include "shared/loop.h"

/* berth-luks: what of encrypted volumes needs libcryptsetup. A program of its own, which is executed by who makes or opens one (storage/luks.c), so that
 * supervisors neither load the library nor keep what it makes of a key in their memory, nor the 128 MiB that deriving one takes.
 *
 * Its exit status is an errno. The kernel keeps the volume key in the caller's thread keyring until the device is made, and then in the device
 * alone: no table of the device-mapper shows it. */

enum {
        FD_KEY = STDIN_FILENO,
        FD_VOLUME = 3, /* the file, or a block device */
        FD_OTHER = 4,  /* open: a socket, to which the device goes; change-key: the new key */
};

#define VOLUME_PATH "/proc/self/fd/3"
#define VOLUME_PATH_MAX 64
#define DEVICE_DIRECTORY "/dev/mapper/"
#define KEY_TIMEOUT_MSEC 30000
#define LOCK_TIMEOUT_MSEC 30000
#define LOCK_INTERVAL_MSEC 20
/* Jobs and supervisors have to get by with it, whatever the host has; libcryptsetup's own choice, up to 1 GiB, would not fit in a job's MemoryMax=, and a
 * volume that was made where there is much memory could not be opened where there is little. */
#define DERIVATION_MEMORY_KIB (128U * 1024U)
#define DERIVATION_THREADS 4U
#define VOLUME_KEY_BITS 512U /* two keys of AES-256, as XTS wants */
#define SECTOR_SIZE_BYTES 4096U

typedef struct crypt_device Crypt;

static void crypt_freep(Crypt **p) {
        crypt_free(*p);
}

static void on_log(int level, const char *message, _unused_ void *userdata) {
        log_full(level == CRYPT_LOG_ERROR ? LOG_INFO : LOG_DEBUG, 0, "%.*s", (int) strcspn(message, "\n"), message);
}

static int open_crypt(const char *path, bool load, Crypt **ret) {
        _cleanup_(crypt_freep) Crypt *cd = NULL;
        int r;

        r = crypt_init(&cd, path);
        if (r >= 0 && load)
                r = crypt_load(cd, CRYPT_LUKS2, NULL);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(cd);
        return 0;
}

static int set_derivation(Crypt *cd, const char *msec) {
        struct crypt_pbkdf_type kdf = {
                .type = CRYPT_KDF_ARGON2ID,
                .hash = "sha256",
                .max_memory_kb = DERIVATION_MEMORY_KIB,
                .parallel_threads = DERIVATION_THREADS,
        };
        int r;

        r = parse_u32(msec, 3600U * 1000U, &kdf.time_ms);
        if (r < 0)
                return r;
        /* No time at all: the least that the library takes. */
        if (kdf.time_ms == 0)
                kdf = (struct crypt_pbkdf_type) { .type = CRYPT_KDF_ARGON2ID, .hash = "sha256", .flags = CRYPT_PBKDF_NO_BENCHMARK, .iterations = 4, .max_memory_kb = 64, .parallel_threads = 1 };
        return crypt_set_pbkdf_type(cd, &kdf);
}

/* --- a device of a volume --- */

typedef struct Device {
        char path[sizeof DEVICE_DIRECTORY + 64];
        const char *name;
        int fd;
} Device;

/* What the library, and with it the kernel, is told to open: a device by its own name. */
static int find_volume(char ret[static VOLUME_PATH_MAX], bool *ret_is_file) {
        struct stat st;
        ssize_t n;

        if (fstat(FD_VOLUME, &st) < 0)
                return -errno;
        snprintf(ret, VOLUME_PATH_MAX, VOLUME_PATH);
        *ret_is_file = S_ISREG(st.st_mode);
        if (!S_ISBLK(st.st_mode))
                return *ret_is_file ? 0 : -EINVAL;
        n = readlink(VOLUME_PATH, ret, VOLUME_PATH_MAX);
        if (n < 0 || n >= VOLUME_PATH_MAX)
                return n < 0 ? -errno : -ENAMETOOLONG;
        ret[n] = 0;
        return 0;
}

/* A device can only be asked whether somebody uses it. That nobody else begins to afterwards follows from the name that it gets in the device-mapper, which has each once. */
static int try_lock(const char *path, bool is_file) {
        _cleanup_close_ int fd = -EBADF;

        if (is_file)
                return flock(FD_VOLUME, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
        fd = open(path, O_RDONLY | O_EXCL | O_CLOEXEC);
        return fd < 0 ? -errno : 0;
}

/* Whoever has the last device of this file open, be it udev that looks what is in it, keeps it and so the lock for a moment after everybody else is done. */
static int lock_volume(const char *path, bool is_file) {
        int r;

        for (unsigned i = 0; (r = try_lock(path, is_file)) < 0; i++) {
                if (r != -EWOULDBLOCK && r != -EBUSY)
                        return r;
                if (i >= LOCK_TIMEOUT_MSEC / LOCK_INTERVAL_MSEC)
                        return -EBUSY;
                (void) poll(NULL, 0, LOCK_INTERVAL_MSEC);
        }
        return 0;
}

/* From here on the device, and with a file the loop device below it and the lock, go with the last who uses it: *ret, and what is mounted of it. */
static int open_device(const char *name, const Key *key, Device *ret) {
        _cleanup_close_ int loop = -EBADF;
        _cleanup_(crypt_freep) Crypt *cd = NULL;
        char path[VOLUME_PATH_MAX];
        bool is_file;
        int r;

        r = find_volume(path, &is_file);
        if (r >= 0)
                r = lock_volume(path, is_file);
        /* The loop device keeps the open file, and so the lock: nothing else makes a second one of it. */
        if (r >= 0 && is_file)
                r = loop_attach(FD_VOLUME, false, path, sizeof path, &loop);
        if (r < 0)
                return r;
        r = open_crypt(path, true, &cd);
        if (r >= 0)
                r = crypt_volume_key_keyring(cd, 1);
        /* Private: udev's rules do not look at what is in it, and tell nobody. Discards: what the guest deletes leaves the file, as without encryption. */
        if (r >= 0)
                r = crypt_activate_by_passphrase(cd, name, CRYPT_ANY_SLOT, (const char *) key->data, key->size,
                                                 CRYPT_ACTIVATE_PRIVATE | CRYPT_ACTIVATE_ALLOW_DISCARDS | CRYPT_ACTIVATE_KEYRING_KEY);
        if (r < 0)
                return r;

        snprintf(ret->path, sizeof ret->path, DEVICE_DIRECTORY "%s", name);
        ret->name = name;
        ret->fd = open(ret->path, O_RDONLY | O_CLOEXEC);
        r = ret->fd < 0 ? -errno : crypt_deactivate_by_name(cd, name, CRYPT_DEACTIVATE_DEFERRED);
        if (r < 0) {
                ret->fd = fd_close(ret->fd);
                (void) crypt_deactivate_by_name(cd, name, 0);
        }
        return r;
}

/* Nothing is written that does not have to be, so that the file stays as large as what is in it: mkfs leaves the tables of inodes for later, which a mount with noinit_itable
 * never begins with. */
static int make_filesystem(const char *path) {
        const char *argv[] = { "mkfs.ext4", "-q", "-F", "-m", "0", "-b", "4096", "-J", "size=16", "-O", "quota,project",
                               "-E", "quotatype=prjquota,lazy_itable_init=1,nodiscard", path, NULL };
        pid_t pid;
        int r;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                int null = open("/dev/null", O_RDWR | O_CLOEXEC);

                if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                        _exit(EXIT_FAILURE);
                (void) fd_close_all_except(NULL, 0);
                execve("/sbin/mkfs.ext4", (char *const *) argv, (char *[]) { NULL });
                _exit(EXIT_FAILURE);
        }
        r = child_wait(pid);
        return r == 0 ? 0 : -EIO;
}

static int make_header(const char *msec, const Key *key) {
        struct crypt_params_luks2 luks = { .sector_size = SECTOR_SIZE_BYTES };
        _cleanup_(crypt_freep) Crypt *cd = NULL;
        char path[VOLUME_PATH_MAX];
        bool is_file;
        int r;

        r = find_volume(path, &is_file);
        if (r >= 0)
                r = open_crypt(path, false, &cd);
        if (r >= 0)
                r = set_derivation(cd, msec);
        if (r >= 0)
                r = crypt_format(cd, CRYPT_LUKS2, "aes", "xts-plain64", NULL, NULL, VOLUME_KEY_BITS / 8, &luks);
        if (r >= 0)
                r = crypt_keyslot_add_by_volume_key(cd, CRYPT_ANY_SLOT, NULL, 0, (const char *) key->data, key->size);
        return MIN_OF(r, 0);
}

/* --- verbs --- */

static int verb_format(char *argv[], const Key *key) {
        Device device = { .fd = -EBADF };
        int r;

        r = make_header(argv[1], key);
        if (r >= 0)
                r = open_device(argv[0], key, &device);
        if (r >= 0)
                r = make_filesystem(device.path);
        if (r >= 0 && fsync(device.fd) < 0)
                r = -errno;
        (void) fd_close(device.fd);
        return r;
}

static int verb_open(char *argv[], const Key *key) {
        Device device = { .fd = -EBADF };
        int r;

        r = open_device(argv[0], key, &device);
        return r < 0 ? r : socket_send(FD_OTHER, "", 1, &device.fd, 1);
}

static int verb_change_key(char *argv[], const Key *key) {
        _cleanup_(key_freep) Key *new = NULL;
        _cleanup_(crypt_freep) Crypt *cd = NULL;
        char path[VOLUME_PATH_MAX];
        bool is_file;
        int r;

        r = key_read(FD_OTHER, KEY_TIMEOUT_MSEC, &new);
        if (r >= 0)
                r = find_volume(path, &is_file);
        if (r >= 0)
                r = open_crypt(path, true, &cd);
        if (r >= 0)
                r = set_derivation(cd, argv[0]);
        /* A new slot is written before the old one is erased. */
        if (r >= 0)
                r = crypt_keyslot_change_by_passphrase(cd, CRYPT_ANY_SLOT, CRYPT_ANY_SLOT, (const char *) key->data, key->size, (const char *) new->data, new->size);
        return MIN_OF(r, 0);
}

static const struct {
        const char *name;
        int n_arguments;
        int (*run)(char *argv[], const Key *key);
} verbs[] = {
        { "format", 2, verb_format },        /* DEVICE MSEC: a LUKS2 header with this key, and an empty file system */
        { "open", 1, verb_open },            /* DEVICE */
        { "change-key", 1, verb_change_key }, /* MSEC */
};

int main(int argc, char *argv[]) {
        _cleanup_(key_freep) Key *key = NULL;
        int r;

        log_open("berth-luks");
        /* What the library derives is as good as the key. That memory may be swapped where it cannot be locked is said in berth.container(5). */
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        (void) setrlimit(RLIMIT_CORE, &(struct rlimit) {});
        /* Past RLIMIT_MEMLOCK every allocation would fail. */
        if (prctl(PR_CAPBSET_READ, CAP_IPC_LOCK, 0, 0, 0) > 0)
                (void) mlockall(MCL_CURRENT | MCL_FUTURE);
        crypt_set_log_callback(NULL, on_log, NULL);
        /* The library's own lock of a device is a file below /run, where a job of ours may write nothing. Whoever opens a volume has a lock of ours, and whoever makes
         * one, or changes its key, has the container's. */
        (void) crypt_metadata_locking(NULL, 0);

        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(verbs); i++) {
                if (!streq(argv[1], verbs[i].name) || argc != verbs[i].n_arguments + 2)
                        continue;
                r = key_read(FD_KEY, KEY_TIMEOUT_MSEC, &key);
                if (r >= 0)
                        r = verbs[i].run(argv + 2, key);
                return r < 0 ? -r : EXIT_SUCCESS;
        }
        log_error("This is not for people: see storage/luks.h.");
        return EINVAL;
}
