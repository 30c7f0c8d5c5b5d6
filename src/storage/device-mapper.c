/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/device-mapper.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include "basic/fd.h"

#define CONTROL "/dev/mapper/control"

/* A hyphen is what is between the two, so that those within them are doubled. */
static char *append_escaped(char *p, const char *s) {
        for (; *s; s++) {
                *p++ = *s;
                if (*s == '-')
                        *p++ = '-';
        }
        return p;
}

int dm_volume_name(const char *group, const char *volume, char **ret) {
        char *name = malloc(2 * (strlen(group) + strlen(volume)) + 2), *p;

        if (!name)
                return -ENOMEM;
        p = append_escaped(name, group);
        *p++ = '-';
        p = append_escaped(p, volume);
        *p = 0;
        if (p - name >= DM_NAME_LEN) {
                free(name);
                return -ENAMETOOLONG;
        }
        *ret = name;
        return 0;
}

static int control(unsigned long request, struct dm_ioctl *d) {
        _cleanup_close_ int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

        d->version[0] = DM_VERSION_MAJOR;
        d->data_size = sizeof *d;
        return fd < 0 || ioctl(fd, request, d) < 0 ? -errno : 0;
}

int dm_find(const char *name, dev_t *ret) {
        struct dm_ioctl d = {};
        int r;

        snprintf(d.name, sizeof d.name, "%s", name);
        r = control(DM_DEV_STATUS, &d);
        if (r < 0)
                return r;
        /* The kernel's huge_encode_dev(). */
        *ret = makedev((unsigned) (d.dev >> 8) & 0xfff, (unsigned) ((d.dev & 0xff) | ((d.dev >> 12) & 0xfff00)));
        return 0;
}

void dm_path(dev_t device, char ret[static DM_PATH_MAX]) {
        snprintf(ret, DM_PATH_MAX, "/dev/dm-%u", minor(device));
}

int dm_remove_deferred(dev_t device) {
        unsigned minor_number = minor(device);
        struct dm_ioctl d = {
                .dev = ((uint64_t) major(device) << 8) | (minor_number & 0xff) | ((uint64_t) (minor_number & ~0xffU) << 12),
                .flags = DM_DEFERRED_REMOVE,
        };

        return control(DM_DEV_REMOVE, &d);
}
