/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/encryption.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/device.h"
#include "settings/quantity.h"
#include "shared/names.h"
#include "shared/unit-timeout.h"
#include "storage/ext4.h"
#include "storage/luks.h"

#define ASK "/usr/bin/systemd-ask-password"
#define ASK_TRIES 3U
#define ASK_SEC 90U
#define ASK_EXTENSION_USEC (150 * USEC_PER_SEC) /* for an answer, and the key's derivation behind it */
#define KEPT_FD "volume"
/* The last mount of the volume goes some time after the container. */
#define CLOSE_TRIES 50U
#define CLOSE_WAIT_USEC (100 * USEC_PER_MSEC)

static int open_layer(const char *id, int *ret_fd, Volume *ret, char **ret_error) {
        _cleanup_close_ int state = open(BERTH_STATE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC), layer = -EBADF;
        int r;

        r = state < 0 ? -errno : volume_open_layer(state, id, &layer);
        if (r >= 0)
                r = volume_open(layer, id, ret, ret_error);
        if (r >= 0)
                *ret_fd = TAKE_FD(layer);
        return r;
}

/* How much is to fit in it: the size of the root disk, if that has one. */
static int enlarge(const Settings *s, const Volume *v, char **ret_error) {
        uint64_t size = 0;

        for (size_t i = 0; i < s->devices.n; i++) {
                const Device *d = s->devices.items + i;

                if (d->values[DEVICE_SIZE] && device_is_root(d))
                        (void) parse_size(d->values[DEVICE_SIZE], &size);
        }
        return size > 0 ? luks_enlarge(v, size, ret_error) : 0;
}

static int mount_with(const Volume *v, const Key *key, int *ret_mount_fd, char **ret_error) {
        int r;

        luks_use_key(key);
        r = volume_mount(v, ret_mount_fd, ret_error);
        luks_use_key(NULL);
        return r;
}

/* --- asking --- */

static _noreturn_ void execute_ask(const char *name, bool again, int out) {
        char id[sizeof "--id=berth:" + CONTAINER_NAME_MAX], question[128 + CONTAINER_NAME_MAX], timeout[32];
        sigset_t none;

        snprintf(id, sizeof id, "--id=berth:%s", name);
        snprintf(question, sizeof question, again ? "That was not the key of container '%s'. Its key:" : "Key of container '%s':", name);
        snprintf(timeout, sizeof timeout, "--timeout=%u", ASK_SEC);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        if (dup2(out, STDOUT_FILENO) < 0)
                _exit(EXIT_FAILURE);
        execl(ASK, "systemd-ask-password", "--no-tty", "--icon=drive-harddisk", id, timeout, question, NULL);
        _exit(EXIT_FAILURE);
}

/* SIGTERM waits for an event loop, which there is none yet: a stop of the unit must not wait for an answer. */
static int wait_answer(int fd, Key **ret) {
        _cleanup_close_ int signals = fd_open_stop_signals();
        struct pollfd p[2] = { { .fd = fd, .events = POLLIN }, { .fd = signals, .events = POLLIN } };

        if (signals < 0)
                return signals;
        while (poll(p, ELEMENTSOF(p), -1) < 0)
                if (errno != EINTR)
                        return -errno;
        return p[1].revents ? -ECANCELED : key_read(fd, -1, ret);
}

static int ask(const char *name, bool again, Key **ret) {
        _cleanup_close_ int in = -EBADF, out = -EBADF;
        int fds[2], r, status;
        pid_t pid;

        if (access(ASK, X_OK) < 0)
                return -errno;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        out = fds[0];
        in = fds[1];
        (void) sd_notifyf(false, "STATUS=Waiting for the key of container '%s'", name);
        unit_timeout_extend(ASK_EXTENSION_USEC);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                execute_ask(name, again, in);
        in = fd_close(in);
        r = wait_answer(out, ret);
        if (r == -ECANCELED)
                (void) kill(pid, SIGTERM);
        status = child_wait(pid);
        if (r == -ENODATA || (r >= 0 && status != 0))
                return status != 0 ? -ETIMEDOUT : -ENODATA;
        return r;
}

/* --- sources of keys --- */

static int from_credential(_unused_ const Settings *s, Key **ret, char **ret_error) {
        const char *directory = getenv("CREDENTIALS_DIRECTORY");
        _cleanup_close_ int dir = -EBADF, fd = -EBADF;
        int r;

        dir = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -EBADF;
        fd = dir < 0 ? -EBADF : openat(dir, ENCRYPTION_CREDENTIAL, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -ENOENT;
        r = key_read(fd, 0, ret);
        return r < 0 ? storage_fail(ret_error, r, r == -ENODATA ? "The credential '" ENCRYPTION_CREDENTIAL "' is empty." :
                                                                 "The credential '" ENCRYPTION_CREDENTIAL "' cannot be read: %m") : 0;
}

static int from_file(const Settings *s, Key **ret, char **ret_error) {
        return s->key_file ? luks_read_key_file(s->key_file, ret, ret_error) : -ENOENT;
}

static int find_key(const Settings *s, Key **ret, char **ret_error) {
        int (*const sources[])(const Settings *s, Key **ret, char **ret_error) = { from_credential, from_file };
        int r = -ENOENT;

        for (size_t i = 0; i < ELEMENTSOF(sources) && r == -ENOENT && !*ret_error; i++)
                r = sources[i](s, ret, ret_error);
        return r;
}

static int open_by_asking(const char *name, const Volume *v, int *ret_mount_fd, char **ret_error) {
        int r = -EPERM;

        for (unsigned i = 0; i < ASK_TRIES && r == -EPERM; i++) {
                _cleanup_(key_freep) Key *key = NULL;

                free(*ret_error);
                *ret_error = NULL;
                r = ask(name, i > 0, &key);
                if (r == -ECANCELED)
                        return r;
                if (r < 0)
                        return storage_fail(ret_error, r, r == -ETIMEDOUT ? "Nobody has told its key." : r == -ENODATA ? "The key is empty." : "Its key cannot be asked for: %m");
                r = mount_with(v, key, ret_mount_fd, ret_error);
        }
        return r;
}

/* --- */

/* What the last supervisor gave to PID 1. */
static bool is_kept(void) {
        _cleanup_strv_ char **names = NULL;
        int n = sd_listen_fds_with_names(false, &names);

        for (int i = 0; i < n; i++)
                if (streq(names[i], KEPT_FD))
                        return true;
        return false;
}

static void forget_kept(void) {
        _cleanup_strv_ char **names = NULL;
        int n = sd_listen_fds_with_names(false, &names);

        for (int i = 0; i < n; i++)
                if (streq(names[i], KEPT_FD))
                        (void) fd_close(SD_LISTEN_FDS_START + i);
        (void) sd_notify(false, "FDSTOREREMOVE=1\nFDNAME=" KEPT_FD);
}

static int open_closed(const char *name, const Settings *s, const Volume *v, int *ret_mount_fd, char **ret_error) {
        _cleanup_(key_freep) Key *key = NULL;
        int r;

        /* Whoever starts it shall need the key, even where somebody else still looks at its files. */
        for (unsigned i = 0; luks_is_open(v->id); i++) {
                if (i >= CLOSE_TRIES)
                        return storage_fail(ret_error, EBUSY, "The encrypted volume is still in use.");
                /* By a supervisor that was killed when a job had it hold still: nothing leaves it then. */
                if (i == CLOSE_TRIES / 2)
                        luks_thaw(luks_open_root(v->id));
                (void) usleep(CLOSE_WAIT_USEC);
        }
        r = luks_check(ret_error);
        if (r >= 0)
                r = enlarge(s, v, ret_error);
        if (r >= 0)
                r = find_key(s, &key, ret_error);
        if (r == -ENOENT && !*ret_error)
                return open_by_asking(name, v, ret_mount_fd, ret_error);
        return r < 0 ? r : mount_with(v, key, ret_mount_fd, ret_error);
}

static int grow(int mount_fd) {
        int r = ext4_grow(mount_fd);

        if (r < 0)
                log_warning_errno(r, "The encrypted volume's file system cannot become as large as the container's root disk may be, ignoring: %m");
        return 0;
}

int encryption_open(const char *name, const Settings *s, int *ret_mount_fd, char **ret_error) {
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_close_ int layer = -EBADF;
        int r;

        if (!s->encrypted || !s->layers)
                return 0;
        r = open_layer(s->layers[0], &layer, &v, ret_error);
        if (r < 0)
                return r;
        if (!is_kept()) {
                r = open_closed(name, s, &v, ret_mount_fd, ret_error);
                return r < 0 ? r : grow(*ret_mount_fd);
        }
        r = mount_with(&v, NULL, ret_mount_fd, ret_error);
        forget_kept();
        return r;
}

void encryption_keep(int device_fd) {
        int r;

        if (device_fd < 0)
                return;
        r = sd_pid_notify_with_fds(0, false, "FDSTORE=1\nFDNAME=" KEPT_FD, &device_fd, 1);
        if (r < 0)
                log_warning_errno(r, "The key has to be told again after the reboot: %m");
}
