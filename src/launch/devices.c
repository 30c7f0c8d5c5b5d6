/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/devices.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "launch/disk.h"
#include "launch/nic.h"
#include "launch/node.h"
#include "shared/runtime-state.h"

typedef struct Item {
        Device device; /* owned: as it was given */
        Nic nic;       /* DEVICE_NIC */
        bool skipped;  /* its source is not there, and it is not required */
} Item;

struct Lent {
        LentContext context;
        NicContext nic_context;
        int host_netns_fd, guest_netns_fd; /* owned */
        Item *items;                       /* owned */
        size_t n;
};

/* All: on failure *ret_error is the end of a sentence. > 0: skipped. */
typedef struct DeviceOperations {
        int (*add)(Lent *l, Item *i, char **ret_error);
        int (*remove)(Lent *l, Item *i, char **ret_error);
        bool stays_past_end; /* does not go with the container's namespaces */
} DeviceOperations;

static int add_nic(Lent *l, Item *i, char **ret_error) {
        return nic_add(&l->nic_context, &i->device, &i->nic, ret_error);
}

static int remove_nic(Lent *l, Item *i, char **ret_error) {
        return nic_remove(&l->nic_context, &i->device, &i->nic, ret_error);
}

static int add_disk(Lent *l, Item *i, char **ret_error) {
        return disk_add(l->context.namespaces, &i->device, ret_error);
}

static int remove_disk(Lent *l, Item *i, char **ret_error) {
        return disk_remove(l->context.namespaces, &i->device, ret_error);
}

static int add_node(Lent *l, Item *i, char **ret_error) {
        return node_add(l->context.container, l->context.uid_base, l->context.namespaces, &i->device, ret_error);
}

static int remove_node(Lent *l, Item *i, char **ret_error) {
        return node_remove(l->context.namespaces, &i->device, ret_error);
}

static const DeviceOperations operations[_DEVICE_TYPE_MAX] = {
        [DEVICE_NONE] = { NULL, NULL, false },
        [DEVICE_NIC] = { add_nic, remove_nic, true },
        [DEVICE_DISK] = { add_disk, remove_disk, false },
        [DEVICE_UNIX_CHAR] = { add_node, remove_node, false },
        [DEVICE_UNIX_BLOCK] = { add_node, remove_node, false },
};

int lent_new(const LentContext *c, pid_t leader, Lent **ret) {
        _cleanup_(lent_freep) Lent *l = calloc(1, sizeof *l);
        char path[64];

        if (!l)
                return -ENOMEM;
        l->context = *c;
        snprintf(path, sizeof path, "/proc/%d/ns/net", (int) leader);
        l->guest_netns_fd = open(path, O_RDONLY | O_CLOEXEC);
        l->host_netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (l->guest_netns_fd < 0 || l->host_netns_fd < 0)
                return -errno;
        l->nic_context = (NicContext) {
                .container = c->container,
                .uuid = c->uuid,
                .host_netns_fd = l->host_netns_fd,
                .guest_netns_fd = l->guest_netns_fd,
        };
        *ret = TAKE_PTR(l);
        return 0;
}

Lent *lent_free(Lent *l) {
        if (!l)
                return NULL;
        for (size_t i = 0; i < l->n; i++) {
                _cleanup_free_ char *error = NULL;
                Item *item = &l->items[i];

                if (operations[device_type(&item->device)].stays_past_end && operations[device_type(&item->device)].remove(l, item, &error) < 0)
                        log_warning("Device '%s' of container '%s' is not back: %s", item->device.name, l->context.container, error ?: "out of memory");
                device_done(&item->device);
        }
        free(l->items);
        (void) fd_close(l->guest_netns_fd);
        (void) fd_close(l->host_netns_fd);
        free(l);
        return NULL;
}

static int sentence(const Device *d, int r, char **error, char **ret_error) {
        if (asprintf(ret_error, "device '%s': %s", d->name, *error ?: strerror(-r)) < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return r;
}

/* What others read; who runs without it is not stopped. */
static void write_state(const Lent *l) {
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < l->n; i++)
                if (!l->items[i].skipped)
                        r = strv_extend(&names, l->items[i].device.name);
        if (r >= 0)
                r = runtime_devices_write(l->context.container, names);
        if (r < 0)
                log_warning_errno(r, "Cannot write down the devices of container '%s', ignoring: %m", l->context.container);
}

static int add(Lent *l, const Device *d, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        Item *items, *item;
        int r;

        items = reallocarray(l->items, l->n + 1, sizeof *items);
        if (!items)
                return -ENOMEM;
        l->items = items;
        item = &items[l->n];
        *item = (Item) {};
        r = device_copy(d, &item->device);
        if (r < 0)
                return r;
        r = operations[device_type(d)].add(l, item, &error);
        if (r < 0) {
                device_done(&item->device);
                return sentence(d, r, &error, ret_error);
        }
        if (r > 0) {
                log_notice("Container '%s' does without device '%s': %s", l->context.container, d->name, error ?: "it is not there");
                item->skipped = true;
        }
        l->n++;
        return 0;
}

static int add_types(Lent *l, const Devices *wanted, bool interfaces, char **ret_error) {
        int r;

        for (size_t i = 0; i < wanted->n; i++) {
                DeviceType type = device_type(&wanted->items[i]);

                if (!operations[type].add || (type == DEVICE_NIC) != interfaces)
                        continue;
                r = add(l, &wanted->items[i], ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

int lent_add_interfaces(Lent *l, const Devices *wanted, char **ret_error) {
        return add_types(l, wanted, true, ret_error);
}

int lent_add_rest(Lent *l, const Devices *wanted, char **ret_error) {
        int r;

        r = add_types(l, wanted, false, ret_error);
        if (r >= 0 && l->n > 0)
                write_state(l);
        return r;
}

static int remove_at(Lent *l, size_t at, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        Item *i = &l->items[at];
        int r;

        r = i->skipped ? 0 : operations[device_type(&i->device)].remove(l, i, &error);
        if (r < 0)
                return sentence(&i->device, r, &error, ret_error);
        device_done(&i->device);
        memmove(i, i + 1, (l->n - at - 1) * sizeof *i);
        l->n--;
        return 0;
}

int lent_change(Lent *l, const Devices *wanted, char **ret_error) {
        bool changed = false;
        int r = 0;

        for (size_t i = l->n; r >= 0 && i-- > 0;) {
                const Device *d = devices_find(wanted, l->items[i].device.name);

                if (d && device_equal(d, &l->items[i].device))
                        continue;
                r = remove_at(l, i, ret_error);
                changed = changed || r >= 0;
        }
        for (size_t i = 0; r >= 0 && i < wanted->n; i++) {
                const Device *d = &wanted->items[i];
                bool has = false;

                for (size_t j = 0; j < l->n; j++)
                        has = has || streq(l->items[j].device.name, d->name);
                if (has || !operations[device_type(d)].add)
                        continue;
                r = add(l, d, ret_error);
                changed = changed || r >= 0;
        }
        if (changed)
                write_state(l);
        return r;
}

size_t lent_host_indices(const Lent *l, int32_t ret[static DEVICES_MAX]) {
        size_t n = 0;

        for (size_t i = 0; i < l->n; i++)
                if (l->items[i].nic.host_index > 0)
                        ret[n++] = l->items[i].nic.host_index;
        return n;
}
