/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/node-find.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/device-error.h"

#define NODES_MAX 64U /* of one device */

void found_nodes_done(FoundNodes *l) {
        for (size_t i = 0; i < l->n; i++)
                free(l->items[i].path);
        free(l->items);
        *l = (FoundNodes) {};
}

bool found_nodes_have(const FoundNodes *l, const FoundNode *node) {
        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].device == node->device && l->items[i].type == node->type && streq(l->items[i].path, node->path))
                        return true;
        return false;
}

int found_nodes_add(FoundNodes *l, const char *path, mode_t type, dev_t device) {
        FoundNode *items;

        if (l->n >= NODES_MAX)
                return -E2BIG;
        items = reallocarray(l->items, l->n + 1, sizeof *items);
        if (!items)
                return -ENOMEM;
        l->items = items;
        items[l->n] = (FoundNode) { .path = strdup(path), .type = type, .device = device };
        if (!items[l->n].path)
                return -ENOMEM;
        l->n++;
        return 0;
}

void found_nodes_remove(FoundNodes *l, size_t at) {
        free(l->items[at].path);
        memmove(l->items + at, l->items + at + 1, (l->n - at - 1) * sizeof *l->items);
        l->n--;
}

/* One line of sysfs. */
static int read_attribute(int dir, const char *name, char ret[static 64]) {
        _cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = read(fd, ret, 63);
        if (n < 0)
                return -errno;
        ret[n] = 0;
        ret[strcspn(ret, "\n")] = 0;
        return 0;
}

static int read_device(int dir, dev_t *ret) {
        unsigned major_number, minor_number;
        char text[64];
        int r;

        r = read_attribute(dir, "dev", text);
        if (r < 0)
                return r;
        if (sscanf(text, "%u:%u", &major_number, &minor_number) != 2)
                return -EBADMSG;
        *ret = makedev(major_number, minor_number);
        return 0;
}

/* sysfs writes some with 0x, some without. */
static bool fits(int dir, const char *name, const char *wanted) {
        char text[64];

        if (!wanted)
                return true;
        return read_attribute(dir, name, text) >= 0 && streq(startswith(text, "0x") ?: text, wanted);
}

static int try_usb(const Device *d, int dir, const char *name, FoundNodes *l) {
        char bus[64], number[64], path[64];
        dev_t device;

        if (!fits(dir, "idVendor", d->values[DEVICE_VENDOR_ID]) || !fits(dir, "idProduct", d->values[DEVICE_PRODUCT_ID]))
                return 0;
        /* An interface of a device has no number; it may also go away while we look. */
        if (read_attribute(dir, "busnum", bus) < 0 || read_attribute(dir, "devnum", number) < 0 || read_device(dir, &device) < 0)
                return 0;
        snprintf(path, sizeof path, "/dev/bus/usb/%03lu/%03lu", strtoul(bus, NULL, 10), strtoul(number, NULL, 10));
        if (d->values[DEVICE_SOURCE] && !streq(d->values[DEVICE_SOURCE], path))
                return 0;
        return found_nodes_add(l, path, S_IFCHR, device);
}

static int try_gpu(const Device *d, int dir, const char *name, FoundNodes *l) {
        _cleanup_close_ int parent = -EBADF;
        char target[256], path[300];
        const char *address;
        dev_t device;
        ssize_t n;

        /* Connectors, such as card0-HDMI-A-1, have no node. */
        if ((!startswith(name, "card") && !startswith(name, "renderD")) || read_device(dir, &device) < 0)
                return 0;
        n = readlinkat(dir, "device", target, sizeof target - 1);
        target[MAX_OF(n, 0)] = 0;
        address = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
        if (d->values[DEVICE_PCI_ADDRESS] && !streq(address, d->values[DEVICE_PCI_ADDRESS]))
                return 0;
        parent = openat(dir, "device", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (!fits(parent, "vendor", d->values[DEVICE_VENDOR_ID]) || !fits(parent, "device", d->values[DEVICE_PRODUCT_ID]))
                return 0;
        snprintf(path, sizeof path, "/dev/dri/%s", name);
        return found_nodes_add(l, path, S_IFCHR, device);
}

static int scan(const Device *d, const char *root, const char *directory, int (*try)(const Device *d, int dir, const char *name, FoundNodes *l), FoundNodes *l) {
        _cleanup_free_ char *path = NULL;
        struct dirent *e;
        int r = 0;
        DIR *dir;

        if (asprintf(&path, "%s%s", root, directory) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        dir = opendir(path);
        if (!dir)
                return errno == ENOENT ? 0 : -errno;
        while (r >= 0 && (e = readdir(dir))) {
                _cleanup_close_ int fd = -EBADF;

                if (e->d_name[0] == '.')
                        continue;
                fd = openat(dirfd(dir), e->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (fd >= 0)
                        r = try(d, fd, e->d_name, l);
        }
        (void) closedir(dir);
        return r;
}

static bool is_tty(const char *root, dev_t device) {
        _cleanup_free_ char *path = NULL;
        char target[256];
        ssize_t n;

        if (asprintf(&path, "%s/sys/dev/char/%u:%u/subsystem", root, major(device), minor(device)) < 0) {
                path = NULL;
                return false;
        }
        n = readlink(path, target, sizeof target - 1);
        if (n < 0)
                return false;
        target[n] = 0;
        return endswith(target, "/tty");
}

static unsigned number(const Device *d, DeviceKey key) {
        return (unsigned) strtoul(d->values[key], NULL, 10);
}

static int find_path(const Device *d, const char *root, FoundNodes *l, char **ret_error) {
        const char *source = d->values[DEVICE_SOURCE] ?: device_path(d);
        mode_t type = device_type(d) == DEVICE_UNIX_BLOCK ? S_IFBLK : S_IFCHR;
        struct stat st;

        if (device_type(d) == DEVICE_FUSE)
                source = "/dev/fuse";
        if (d->values[DEVICE_MAJOR])
                return found_nodes_add(l, device_path(d), type, makedev(number(d, DEVICE_MAJOR), number(d, DEVICE_MINOR)));
        if (stat(source, &st) < 0)
                return errno == ENOENT || errno == ENXIO ? 0 : device_error(ret_error, -errno, "find the host's", source);
        if ((st.st_mode & S_IFMT) != type)
                return asprintf(ret_error, "the host's '%s' is no %s device", source, type == S_IFCHR ? "character" : "block") < 0 ? -ENOMEM : -ENODEV;
        if (device_type(d) == DEVICE_TTY && !is_tty(root, st.st_rdev))
                return asprintf(ret_error, "the host's '%s' is no tty", source) < 0 ? -ENOMEM : -ENODEV;
        return found_nodes_add(l, device_path(d), type, st.st_rdev);
}

int nodes_find(const Device *d, const char *root, FoundNodes *ret, char **ret_error) {
        _cleanup_(found_nodes_done) FoundNodes l = {};
        int r;

        switch (device_type(d)) {
        case DEVICE_USB:
                r = scan(d, root, "/sys/bus/usb/devices", try_usb, &l);
                break;
        case DEVICE_GPU:
                r = scan(d, root, "/sys/class/drm", try_gpu, &l);
                break;
        default:
                r = find_path(d, root, &l, ret_error);
        }
        if (r < 0)
                return r;
        *ret = l;
        l = (FoundNodes) {};
        return 0;
}
