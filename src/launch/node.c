/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/node.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/device-error.h"
#include "launch/guest-mount.h"
#include "shared/mount.h"

static unsigned number(const Device *d, DeviceKey key) {
        return (unsigned) strtoul(device_get(d, key) ?: "0", NULL, 10);
}

/* Whoever may use a container's FUSE has always been everybody in it. */
static mode_t node_mode(const Device *d) {
        const char *text = d->values[DEVICE_MODE] ?: device_type(d) == DEVICE_FUSE ? "0666" : device_get(d, DEVICE_MODE);

        return (mode_t) strtoul(text, NULL, 8);
}

static int open_runtime(const char *container) {
        _cleanup_free_ char *path = NULL;
        int fd;

        if (asprintf(&path, BERTH_RUNTIME_DIR "/%s", container) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* /run is mounted nodev; the clone is not. */
static int make_node(int dir, const char *name, uid_t uid, gid_t gid, mode_t mode, dev_t device, int *ret_fd) {
        _cleanup_close_ int mount_fd = -EBADF;
        int r = 0;

        (void) unlinkat(dir, name, 0);
        if (mknodat(dir, name, mode & S_IFMT, device) < 0)
                return -errno;
        if (fchmodat(dir, name, mode & 07777, 0) < 0 || fchownat(dir, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
                r = -errno;
        if (r >= 0)
                r = mount_clone(dir, name, false, &mount_fd);
        if (r >= 0)
                r = mount_set_private(mount_fd, false);
        if (r >= 0)
                r = mount_set_attributes(mount_fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NODEV, false);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(mount_fd);
        return 0;
}

int node_make(const char *container, const char *name, uid_t uid, gid_t gid, mode_t mode, dev_t device, int *ret_fd) {
        _cleanup_close_ int dir = open_runtime(container);

        return dir < 0 ? dir : make_node(dir, name, uid, gid, mode, device, ret_fd);
}

void node_forget(const char *container, const char *name) {
        _cleanup_close_ int dir = open_runtime(container);

        if (dir >= 0)
                (void) unlinkat(dir, name, 0);
}

static int give(const LentContext *c, const Device *d, const FoundNode *node, char **ret_error) {
        _cleanup_close_ int mount_fd = -EBADF, dir = -EBADF;
        char name[DEVICE_NAME_MAX + 8];
        int r;

        dir = open_runtime(c->container);
        snprintf(name, sizeof name, ".node-%s", d->name);
        r = dir < 0 ? dir : make_node(dir, name, c->id_base + number(d, DEVICE_UID), c->id_base + number(d, DEVICE_GID), node->type | node_mode(d), node->device, &mount_fd);
        if (r < 0) {
                if (dir >= 0)
                        (void) unlinkat(dir, name, 0);
                return device_error(ret_error, r, "make the node", node->path);
        }
        r = device_policy_allow(c->device_policy, node->type, node->device, ret_error);
        if (r < 0) {
                (void) unlinkat(dir, name, 0);
                return r;
        }
        r = guest_mount_attach(c->namespaces, c->event, mount_fd, node->path, false);
        /* What is mounted stays without its name, but what has none cannot be mounted. */
        (void) unlinkat(dir, name, 0);
        if (r < 0) {
                _cleanup_free_ char *ignored = NULL;

                (void) device_policy_forbid(c->device_policy, node->type, node->device, &ignored);
                return device_error(ret_error, r, "mount it on the container's", node->path);
        }
        return 0;
}

static int take(const LentContext *c, const FoundNode *node, char **ret_error) {
        int r;

        /* First: what nobody may open any more cannot come back by a copy of the mount or of the node. */
        r = device_policy_forbid(c->device_policy, node->type, node->device, ret_error);
        if (r < 0)
                return r;
        r = guest_mount_detach(c->namespaces, c->event, node->path, true);
        return r < 0 ? device_error(ret_error, r, "unmount the container's", node->path) : 0;
}

static int take_missing(const LentContext *c, const FoundNodes *wanted, FoundNodes *given, char **ret_error) {
        int r, changed = 0;

        for (size_t i = given->n; i-- > 0;) {
                if (found_nodes_have(wanted, &given->items[i]))
                        continue;
                r = take(c, &given->items[i], ret_error);
                if (r < 0)
                        return r;
                found_nodes_remove(given, i);
                changed = 1;
        }
        return changed;
}

int node_refresh(const LentContext *c, const Device *d, FoundNodes *given, char **ret_error) {
        _cleanup_(found_nodes_done) FoundNodes found = {};
        int r, changed;

        r = nodes_find(d, "", &found, ret_error);
        if (r < 0)
                return r;
        changed = r = take_missing(c, &found, given, ret_error);
        for (size_t i = 0; r >= 0 && i < found.n; i++) {
                if (found_nodes_have(given, &found.items[i]))
                        continue;
                r = give(c, d, &found.items[i], ret_error);
                if (r >= 0)
                        r = found_nodes_add(given, found.items[i].path, found.items[i].type, found.items[i].device);
                changed = 1;
        }
        return r < 0 ? r : changed;
}

int node_add(const LentContext *c, const Device *d, FoundNodes *given, char **ret_error) {
        _cleanup_free_ char *ignored = NULL;
        int r;

        r = node_refresh(c, d, given, ret_error);
        if (r < 0) {
                (void) node_remove(c, d, given, &ignored);
                return r;
        }
        if (given->n > 0)
                return 0;
        if (!device_is_required(d))
                return 1;
        if (d->values[DEVICE_SOURCE] || device_path(d))
                return device_error(ret_error, -ENOENT, "find the host's", d->values[DEVICE_SOURCE] ?: device_path(d));
        return asprintf(ret_error, "the host has none that fits") < 0 ? -ENOMEM : -ENODEV;
}

int node_remove(const LentContext *c, const Device *d, FoundNodes *given, char **ret_error) {
        int r;

        r = take_missing(c, &(FoundNodes) {}, given, ret_error);
        return r < 0 ? r : 0;
}
