/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/lxcfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/guest-mount.h"
#include "shared/mount.h"

#define PLACE "/var/lib/lxcfs"
#define SYSTEMD "org.freedesktop.systemd1"
#define UNIT_PATH "/org/freedesktop/systemd1/unit/lxcfs_2eservice"
#define ATTRIBUTES (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const char *const files[] = {
        "proc/cpuinfo", "proc/diskstats", "proc/loadavg", "proc/meminfo", "proc/stat", "proc/swaps", "proc/uptime", "sys/devices/system/cpu/online",
};

/* Its unit is active as soon as it runs, and it mounts a little later. */
#define RETRY_USEC (200 * USEC_PER_MSEC)
#define RETRIES_MAX 100U

struct Lxcfs {
        sd_bus_slot *slot;
        sd_event_source *timer;
        unsigned retries;
        bool gone;
        sd_event *event;             /* borrowed, as the rest */
        const Namespaces *namespaces;
        const char *container;
};

bool lxcfs_is_there(void) {
        _cleanup_close_ int fd = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct statx stx;

        /* What the kernel knows by itself. */
        return fd >= 0 && statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, 0, &stx) >= 0 && (stx.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int clone_file(int dir, const char *file, int *ret_fd) {
        _cleanup_close_ int fd = -EBADF, mount_fd = -EBADF;
        struct statfs sfs;
        int r;

        fd = path_open_beneath(dir, file, O_PATH, 0);
        if (fd < 0)
                return fd;
        if (fstatfs(fd, &sfs) < 0)
                return -errno;
        if (sfs.f_type != FUSE_SUPER_MAGIC)
                return -EXDEV;
        r = mount_clone(fd, "", false, &mount_fd);
        if (r >= 0)
                r = mount_set_private(mount_fd, false);
        if (r >= 0)
                r = mount_set_attributes(mount_fd, ATTRIBUTES, 0, false);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(mount_fd);
        return 0;
}

/* What a dead lxcfs left there gives way to the kernel's own file. */
static int open_target(int root, const char *path, int *ret_fd, struct statfs *ret_statfs) {
        for (unsigned i = 0; i < 2; i++) {
                _cleanup_close_ int fd = path_open_in_root(root, path, O_PATH | O_NOFOLLOW, 0);

                if (fd < 0)
                        return fd;
                if (fstatfs(fd, ret_statfs) >= 0) {
                        *ret_fd = TAKE_FD(fd);
                        return 0;
                }
                if ((errno != ENOTCONN && errno != ECONNABORTED) || umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
                        return -errno;
        }
        return -EBUSY;
}

/* Only the kernel's own file is covered: whatever else is there the guest has put there. */
static int attach_file(int root, const char *file, int mount_fd) {
        _cleanup_close_ int target = -EBADF;
        struct statfs sfs;
        char path[64];
        int r;

        snprintf(path, sizeof path, "/%s", file);
        r = open_target(root, path, &target, &sfs);
        if (r < 0)
                return r;
        if (mount_fd < 0)
                return -ENOENT;
        return sfs.f_type == PROC_SUPER_MAGIC || sfs.f_type == SYSFS_MAGIC ? mount_attach(mount_fd, target) : -EXDEV;
}

static int attach(void *userdata) {
        const Namespaces *n = userdata;
        _cleanup_close_ int dir = -EBADF, root = -EBADF;
        int mounts[ELEMENTSOF(files)], keep[NAMESPACES_MAX], done = 0, r;

        memcpy(keep, n->fds, sizeof keep);
        /* When it hangs it holds nothing, such as the lock of the container. */
        r = fd_close_all_except(keep, NAMESPACES_MAX);
        if (r < 0)
                return r;

        dir = open(PLACE, O_PATH | O_DIRECTORY | O_CLOEXEC);
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (dir < 0 || clone_file(dir, files[i], &mounts[i]) < 0)
                        mounts[i] = -EBADF;
        dir = fd_close(dir);
        r = namespaces_enter(n);
        if (r >= 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
                r = -errno;
        if (r < 0)
                return r;
        root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        /* One that an older lxcfs or another kernel does not have is none. */
        for (size_t i = 0; i < ELEMENTSOF(files); i++)
                if (attach_file(root, files[i], mounts[i]) >= 0)
                        done++;
        return done > 0 ? 0 : -ENODATA;
}

/* A process of the host's pid namespace: who waits for an answer of FUSE cannot be killed, and one of the container's would keep it from ending. */
int lxcfs_attach(const Namespaces *n, sd_event *event) {
        _cleanup_close_ int own = -EBADF, of_children = -EBADF;
        int r;

        own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        of_children = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
        if (own < 0 || of_children < 0 || setns(own, CLONE_NEWPID) < 0)
                return -errno;
        r = guest_mount_run(event, attach, (void *) n);
        return setns(of_children, CLONE_NEWPID) < 0 ? -errno : r;
}

static int on_timer(sd_event_source *source, _unused_ uint64_t usec, void *userdata) {
        Lxcfs *l = userdata;
        int r;

        if (!l->gone && !lxcfs_is_there()) {
                if (l->retries++ >= RETRIES_MAX)
                        return 0;
                r = sd_event_source_set_time_relative(source, RETRY_USEC);
                return r < 0 ? 0 : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
        }
        r = lxcfs_attach(l->namespaces, l->event);
        if (r < 0 && r != -ENODATA)
                log_warning_errno(r, "Container '%s' does not get the files of the new lxcfs: %m", l->container);
        return 0;
}

static int on_changed(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error) {
        Lxcfs *l = userdata;
        const char *state = NULL, *interface, *key;
        int r;

        r = sd_bus_message_read(m, "s", &interface);
        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                r = sd_bus_message_read(m, "s", &key);
                if (r >= 0)
                        r = streq(key, "ActiveState") ? sd_bus_message_read(m, "v", "s", &state) : sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (streq_ptr(state, "active") || streq_ptr(state, "inactive") || streq_ptr(state, "failed")) {
                l->gone = !streq(state, "active");
                l->retries = 0;
                l->timer = sd_event_source_disable_unref(l->timer);
                (void) sd_event_add_time_relative(l->event, &l->timer, CLOCK_MONOTONIC, 0, 0, on_timer, l);
        }
        return 0;
}

int lxcfs_watch(sd_bus *bus, sd_event *event, const Namespaces *n, const char *container, Lxcfs **ret) {
        _cleanup_(lxcfs_freep) Lxcfs *l = calloc(1, sizeof *l);
        int r;

        if (!l)
                return -ENOMEM;
        *l = (Lxcfs) { .event = event, .namespaces = n, .container = container };
        r = sd_bus_match_signal_async(bus, &l->slot, SYSTEMD, UNIT_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged", on_changed, NULL, l);
        if (r >= 0)
                r = sd_bus_call_method_async(bus, NULL, SYSTEMD, "/org/freedesktop/systemd1", SYSTEMD ".Manager", "Subscribe", NULL, NULL, "");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

Lxcfs *lxcfs_free(Lxcfs *l) {
        if (!l)
                return NULL;
        sd_bus_slot_unref(l->slot);
        sd_event_source_disable_unref(l->timer);
        free(l);
        return NULL;
}
