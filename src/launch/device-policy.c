/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/device-policy.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/strv.h"
#include "shared/names.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define TIMEOUT_USEC (10 * USEC_PER_SEC)

typedef struct Allowed {
        mode_t type;
        dev_t device;
} Allowed;

struct DevicePolicy {
        sd_bus *bus; /* referenced */
        char *unit;
        Allowed *items; /* owned */
        size_t n;
};

/* By number: systemd knows these names without looking whether there is such a node. The pty multiplexer is that of a devpts of the container's own,
 * whose ptys are the only ones that can be reached. To make a node of a character device is no right to open it; block devices are not even made,
 * because a mount of one that the host has mounted already opens nothing, and so the kernel (6.6 and later) asks no policy. */
static const struct {
        const char *node, *access;
} standard[] = {
        { "/dev/char/1:3", "rw" }, /* null */
        { "/dev/char/1:5", "rw" }, /* zero */
        { "/dev/char/1:7", "rw" }, /* full */
        { "/dev/char/1:8", "rw" }, /* random */
        { "/dev/char/1:9", "rw" }, /* urandom */
        { "/dev/char/5:0", "rw" }, /* tty */
        { "/dev/char/5:2", "rw" }, /* ptmx */
        { "char-pts", "rw" },
        { "char-*", "m" },
};

static int append_list(sd_bus_message *m, const Allowed *items, size_t n) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "DeviceAllow");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "a(ss)");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(ss)");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(standard); i++)
                r = sd_bus_message_append(m, "(ss)", standard[i].node, standard[i].access);
        for (size_t i = 0; r >= 0 && i < n; i++) {
                char node[64];

                snprintf(node, sizeof node, "/dev/%s/%u:%u", S_ISBLK(items[i].type) ? "block" : "char", major(items[i].device), minor(items[i].device));
                r = sd_bus_message_append(m, "(ss)", node, "rw");
        }
        for (int i = 0; r >= 0 && i < 3; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

int device_policy_append(sd_bus_message *m) {
        int r;

        r = sd_bus_message_append(m, "(sv)", "DevicePolicy", "s", "strict");
        return r < 0 ? r : append_list(m, NULL, 0);
}

int device_policy_check(int cgroup_fd) {
        union bpf_attr attr = { .query = { .target_fd = (uint32_t) cgroup_fd, .attach_type = BPF_CGROUP_DEVICE } };

        if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof attr) < 0)
                return errno == EPERM || errno == EINVAL || errno == ENOSYS ? -EOPNOTSUPP : -errno;
        return attr.query.prog_cnt > 0 ? 0 : -EOPNOTSUPP;
}

int device_policy_new(sd_bus *bus, const char *container, DevicePolicy **ret) {
        _cleanup_(device_policy_freep) DevicePolicy *p = calloc(1, sizeof *p);
        int r;

        if (!p)
                return -ENOMEM;
        p->bus = sd_bus_ref(bus);
        r = container_scope(container, &p->unit);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(p);
        return 0;
}

DevicePolicy *device_policy_free(DevicePolicy *p) {
        if (!p)
                return NULL;
        sd_bus_unref(p->bus);
        free(p->unit);
        free(p->items);
        free(p);
        return NULL;
}

/* PID 1 adds to the list; an empty one clears it. Both are in one call, between which it gives the kernel nothing. */
static int tell(DevicePolicy *p, char **ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_message_new_method_call(p->bus, &m, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "SetUnitProperties");
        if (r >= 0)
                r = sd_bus_message_append(m, "sb", p->unit, true);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)", "DeviceAllow", "a(ss)", 0);
        if (r >= 0)
                r = append_list(m, p->items, p->n);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_call(p->bus, m, TIMEOUT_USEC, &error, NULL);
        if (r < 0 && asprintf(ret_error, "PID 1 does not change which devices its scope may open: %s", error.message ?: strerror(-r)) < 0)
                *ret_error = NULL;
        return MIN_OF(r, 0);
}

int device_policy_allow(DevicePolicy *p, mode_t type, dev_t device, char **ret_error) {
        Allowed *items;
        int r;

        if (!p)
                return 0;
        items = reallocarray(p->items, p->n + 1, sizeof *items);
        if (!items)
                return -ENOMEM;
        p->items = items;
        p->items[p->n++] = (Allowed) { .type = type & S_IFMT, .device = device };
        r = tell(p, ret_error);
        if (r < 0)
                p->n--;
        return r;
}

int device_policy_forbid(DevicePolicy *p, mode_t type, dev_t device, char **ret_error) {
        for (size_t i = 0; p && i < p->n; i++)
                if (p->items[i].type == (type & S_IFMT) && p->items[i].device == device) {
                        p->items[i] = p->items[--p->n];
                        return tell(p, ret_error);
                }
        return 0;
}
