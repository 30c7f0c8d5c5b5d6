/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/devices.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "launch/disk.h"
#include "launch/hotplug.h"
#include "launch/nic.h"
#include "launch/node.h"
#include "launch/proxy.h"
#include "launch/volume.h"
#include "shared/runtime-state.h"

typedef struct Item {
        Device device; /* owned: as it was given */
        Nic nic;       /* DEVICE_NIC */
        FoundNodes nodes; /* of those that are nodes: what it has now */
        bool skipped;  /* its source is not there, and it is not required */
        bool given_up; /* the guest did not let it be mounted: it is not tried again by itself */
} Item;

static void item_done(Item *i) {
        device_done(&i->device);
        found_nodes_done(&i->nodes);
}

struct Lent {
        LentContext context;
        NicContext nic_context;
        int host_netns_fd, guest_netns_fd; /* owned */
        bool host_network;                 /* these are the same */
        bool ends;                         /* it is over: all goes back */
        Item *items;                       /* owned */
        size_t n;
        Hotplug *hotplug; /* when one of them may come and go */
};

/* All: on failure *ret_error is the end of a sentence. > 0: skipped. */
typedef struct DeviceOperations {
        int (*add)(Lent *l, Item *i, char **ret_error);
        int (*remove)(Lent *l, Item *i, char **ret_error);
        bool stays_past_end; /* does not go with the container's namespaces */
} DeviceOperations;

static int add_nic(Lent *l, Item *i, char **ret_error) {
        bool host = streq(device_get(&i->device, DEVICE_NICTYPE), "host");

        if (host != l->host_network)
                return asprintf(ret_error, "a container has the host's network from its start to its end; stop it first") < 0 ? -ENOMEM : -EBUSY;
        return host ? 0 : nic_add(&l->nic_context, &i->device, &i->nic, ret_error);
}

static int remove_nic(Lent *l, Item *i, char **ret_error) {
        if (l->host_network)
                return l->ends ? 0 : asprintf(ret_error, "a container has the host's network from its start to its end; stop it first") < 0 ? -ENOMEM : -EBUSY;
        return nic_remove(&l->nic_context, &i->device, &i->nic, ret_error);
}

static int add_disk(Lent *l, Item *i, char **ret_error) {
        const char *source = i->device.values[DEVICE_SOURCE];

        if (source && startswith(source, VOLUME_PREFIX))
                return volume_add(&l->context, &i->device, ret_error);
        return disk_add(&l->context, &i->device, ret_error);
}

static int remove_disk(Lent *l, Item *i, char **ret_error) {
        return disk_remove(&l->context, &i->device, ret_error);
}

static int add_node(Lent *l, Item *i, char **ret_error) {
        return node_add(&l->context, &i->device, &i->nodes, ret_error);
}

static int remove_node(Lent *l, Item *i, char **ret_error) {
        return node_remove(&l->context, &i->device, &i->nodes, ret_error);
}

static int add_proxy(Lent *l, Item *i, char **ret_error) {
        return proxy_add(&l->context, l->guest_netns_fd, &i->device, ret_error);
}

static int remove_proxy(Lent *l, Item *i, char **ret_error) {
        return proxy_remove(&l->context, &i->device, ret_error);
}

static const DeviceOperations operations[_DEVICE_TYPE_MAX] = {
        [DEVICE_NONE] = { NULL, NULL, false },
        [DEVICE_NIC] = { add_nic, remove_nic, true },
        [DEVICE_DISK] = { add_disk, remove_disk, false },
        [DEVICE_UNIX_CHAR] = { add_node, remove_node, false },
        [DEVICE_UNIX_BLOCK] = { add_node, remove_node, false },
        [DEVICE_USB] = { add_node, remove_node, false },
        [DEVICE_GPU] = { add_node, remove_node, false },
        [DEVICE_TTY] = { add_node, remove_node, false },
        [DEVICE_FUSE] = { add_node, remove_node, false },
        [DEVICE_PROXY] = { add_proxy, remove_proxy, true },
};

int lent_new(const LentContext *c, pid_t leader, Lent **ret) {
        _cleanup_(lent_freep) Lent *l = calloc(1, sizeof *l);
        struct stat guest, host;
        char path[64];

        if (!l)
                return -ENOMEM;
        l->context = *c;
        snprintf(path, sizeof path, "/proc/%d/ns/net", (int) leader);
        l->guest_netns_fd = open(path, O_RDONLY | O_CLOEXEC);
        l->host_netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
        if (l->guest_netns_fd < 0 || l->host_netns_fd < 0 || fstat(l->guest_netns_fd, &guest) < 0 || fstat(l->host_netns_fd, &host) < 0)
                return -errno;
        l->host_network = guest.st_ino == host.st_ino && guest.st_dev == host.st_dev;
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
        l->ends = true;
        for (size_t i = 0; i < l->n; i++) {
                _cleanup_free_ char *error = NULL;
                Item *item = &l->items[i];

                if (operations[device_type(&item->device)].stays_past_end && operations[device_type(&item->device)].remove(l, item, &error) < 0)
                        log_warning("Device '%s' of container '%s' is not back: %s", item->device.name, l->context.container, error ?: "out of memory");
                item_done(item);
        }
        hotplug_free(l->hotplug);
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
        _cleanup_strv_ char **names = NULL, **interfaces = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < l->n; i++) {
                const Item *item = &l->items[i];

                if (item->skipped)
                        continue;
                r = strv_extend(&names, item->device.name);
                if (r >= 0 && device_type(&item->device) == DEVICE_NIC)
                        r = item->nic.host_index > 0 ? strv_extendf(&interfaces, "host %s", item->nic.host_name)
                                                     : strv_extendf(&interfaces, "guest %s", device_interface(&item->device));
        }
        if (r >= 0)
                r = runtime_devices_write(l->context.container, names);
        if (r >= 0)
                r = runtime_interfaces_write(l->context.container, interfaces);
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
                item_done(item);
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

static void on_hotplug(void *userdata) {
        Lent *l = userdata;
        bool changed = false;

        for (size_t i = 0; i < l->n; i++) {
                _cleanup_free_ char *error = NULL;
                Item *item = &l->items[i];
                int r;

                if (!hotplug_is_wanted(&item->device) || item->given_up)
                        continue;
                r = node_refresh(&l->context, &item->device, &item->nodes, &error);
                if (r < 0)
                        log_warning("Container '%s' cannot follow its device '%s': %s", l->context.container, item->device.name, error ?: strerror(-r));
                item->given_up = r == -ETIMEDOUT;
                item->skipped = item->nodes.n == 0;
                changed = changed || r != 0;
        }
        if (changed)
                write_state(l);
}

/* Before the devices are looked for: what comes in between is heard of. */
static void listen_to_host(Lent *l, const Devices *wanted) {
        bool any = false;
        int r;

        for (size_t i = 0; i < wanted->n; i++)
                any = any || hotplug_is_wanted(&wanted->items[i]);
        if (!any)
                l->hotplug = hotplug_free(l->hotplug);
        else if (!l->hotplug) {
                r = hotplug_new(l->context.event, on_hotplug, l, &l->hotplug);
                if (r < 0)
                        log_warning_errno(r, "Container '%s' does not hear of devices that come and go: %m", l->context.container);
        }
}

int lent_add_rest(Lent *l, const Devices *wanted, char **ret_error) {
        int r;

        listen_to_host(l, wanted);
        r = add_types(l, wanted, false, ret_error);
        if (r >= 0 && l->n > 0)
                write_state(l);
        return r;
}

static int remove_at(Lent *l, size_t at, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        Item *i = &l->items[at];
        int r;

        r = i->skipped && !hotplug_is_wanted(&i->device) ? 0 : operations[device_type(&i->device)].remove(l, i, &error);
        if (r < 0)
                return sentence(&i->device, r, &error, ret_error);
        item_done(i);
        memmove(i, i + 1, (l->n - at - 1) * sizeof *i);
        l->n--;
        return 0;
}

static bool has(const Lent *l, const char *name) {
        for (size_t i = 0; i < l->n; i++)
                if (streq(l->items[i].device.name, name))
                        return true;
        return false;
}

static int follow(Lent *l, const Devices *wanted, bool *changed, char **ret_error) {
        int r = 0;

        for (size_t i = l->n; r >= 0 && i-- > 0;) {
                const Device *d = devices_find(wanted, l->items[i].device.name);

                if (d && device_equal(d, &l->items[i].device))
                        continue;
                r = remove_at(l, i, ret_error);
                *changed = *changed || r >= 0;
        }
        for (size_t i = 0; r >= 0 && i < wanted->n; i++) {
                const Device *d = &wanted->items[i];

                if (has(l, d->name) || !operations[device_type(d)].add)
                        continue;
                r = add(l, d, ret_error);
                *changed = *changed || r >= 0;
        }
        return r;
}

static int copy_given(const Lent *l, Devices *ret) {
        Devices copy = { .items = calloc(MAX_OF(l->n, 1U), sizeof *copy.items) };
        int r = copy.items ? 0 : -ENOMEM;

        for (size_t i = 0; r >= 0 && i < l->n; i++) {
                r = device_copy(&l->items[i].device, &copy.items[i]);
                copy.n += r >= 0;
        }
        if (r < 0)
                devices_done(&copy);
        else
                *ret = copy;
        return r;
}

/* One that cannot be given back does not keep the others from it. */
static void give_back(Lent *l, const Devices *before, char **error) {
        for (size_t i = l->n; i-- > 0;) {
                _cleanup_free_ char *why = NULL;

                if (!devices_find(before, l->items[i].device.name) || !device_equal(devices_find(before, l->items[i].device.name), &l->items[i].device))
                        if (remove_at(l, i, &why) < 0)
                                log_warning("Container '%s' keeps what it should not: %s", l->context.container, why ?: "out of memory");
        }
        for (size_t i = 0; i < before->n; i++) {
                _cleanup_free_ char *why = NULL, *both = NULL;

                if (has(l, before->items[i].name) || add(l, &before->items[i], &why) >= 0)
                        continue;
                log_warning("Container '%s' has lost what it had: %s", l->context.container, why ?: "out of memory");
                if (*error && asprintf(&both, "%s; and what it had cannot be given back: %s", *error, why ?: "out of memory") >= 0) {
                        free(*error);
                        *error = TAKE_PTR(both);
                }
        }
}

int lent_change(Lent *l, const Devices *wanted, char **ret_error) {
        _cleanup_(devices_done) Devices before = {};
        bool changed = false;
        int r;

        r = copy_given(l, &before);
        if (r < 0)
                return r;
        listen_to_host(l, wanted);
        r = follow(l, wanted, &changed, ret_error);
        if (r < 0 && changed)
                give_back(l, &before, ret_error);
        if (r < 0)
                listen_to_host(l, &before);
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
