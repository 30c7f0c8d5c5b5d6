/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/device.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/strv.h"
#include "settings/device-table.h"
#include "settings/ini.h"
#include "settings/quote.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char *const type_table[_DEVICE_TYPE_MAX] = {
        [DEVICE_NONE] = "none", [DEVICE_NIC] = "nic", [DEVICE_DISK] = "disk", [DEVICE_UNIX_CHAR] = "unix-char", [DEVICE_UNIX_BLOCK] = "unix-block",
        [DEVICE_USB] = "usb", [DEVICE_GPU] = "gpu", [DEVICE_TTY] = "tty", [DEVICE_FUSE] = "fuse",
        [DEVICE_PROXY] = "proxy",
};

const char *device_type_to_string(DeviceType t) {
        return t >= 0 && t < _DEVICE_TYPE_MAX ? type_table[t] : NULL;
}

DeviceType device_type_from_string(const char *s) {
        for (int i = 0; i < _DEVICE_TYPE_MAX; i++)
                if (streq(type_table[i], s))
                        return (DeviceType) i;
        return _DEVICE_TYPE_INVALID;
}

void device_done(Device *d) {
        free(d->name);
        for (size_t i = 0; i < _DEVICE_KEY_MAX; i++)
                free(d->values[i]);
        *d = (Device) {};
}

int device_copy(const Device *d, Device *ret) {
        Device copy = {};
        int r;

        r = free_and_strdup(&copy.name, d->name);
        for (size_t i = 0; r >= 0 && i < _DEVICE_KEY_MAX; i++)
                r = free_and_strdup(&copy.values[i], d->values[i]);
        if (r < 0) {
                device_done(&copy);
                return r;
        }
        *ret = copy;
        return 0;
}

bool device_equal(const Device *a, const Device *b) {
        for (size_t i = 0; i < _DEVICE_KEY_MAX; i++)
                if (!streq_ptr(a->values[i], b->values[i]))
                        return false;
        return streq(a->name, b->name);
}

void devices_done(Devices *l) {
        for (size_t i = 0; i < l->n; i++)
                device_done(&l->items[i]);
        free(l->items);
        *l = (Devices) {};
}

Device *devices_find(const Devices *l, const char *name) {
        for (size_t i = 0; i < l->n; i++)
                if (streq(l->items[i].name, name))
                        return &l->items[i];
        return NULL;
}

DeviceType device_type(const Device *d) {
        return d->values[DEVICE_TYPE] ? device_type_from_string(d->values[DEVICE_TYPE]) : _DEVICE_TYPE_INVALID;
}

const char *device_get(const Device *d, DeviceKey key) {
        return d->values[key] ?: device_table[key].fallback;
}

bool device_get_bool(const Device *d, DeviceKey key) {
        return streq_ptr(device_get(d, key), "yes");
}

bool device_is_required(const Device *d) {
        /* What is plugged in and out need not be there, as LXD has it. */
        return d->values[DEVICE_REQUIRED] || device_type(d) != DEVICE_USB ? device_get_bool(d, DEVICE_REQUIRED) : false;
}

bool device_is_root(const Device *d) {
        return device_type(d) == DEVICE_DISK && streq_ptr(d->values[DEVICE_PATH], "/");
}

const char *device_path(const Device *d) {
        if (device_type(d) == DEVICE_FUSE)
                return d->values[DEVICE_PATH] ?: "/dev/fuse";
        return d->values[DEVICE_PATH] ?: d->values[DEVICE_SOURCE];
}

const char *device_interface(const Device *d) {
        return d->values[DEVICE_INTERFACE] ?: d->name;
}

bool device_is_routed(const Device *d) {
        return streq(device_get(d, DEVICE_NICTYPE), "routed");
}

bool device_is_filtered(const Device *d, DeviceKey key) {
        return d->values[key] || key == DEVICE_MAC_FILTERING ? device_get_bool(d, key) : device_is_routed(d);
}

const char *device_gateway(const Device *d, int family) {
        const char *set = d->values[family == AF_INET ? DEVICE_IPV4_GATEWAY : DEVICE_IPV6_GATEWAY];

        if (set)
                return streq(set, "none") ? NULL : set;
        if (!device_is_routed(d) || !d->values[family == AF_INET ? DEVICE_IPV4_ADDRESS : DEVICE_IPV6_ADDRESS])
                return NULL;
        return family == AF_INET ? DEVICE_ROUTED_GATEWAY_IPV4 : DEVICE_ROUTED_GATEWAY_IPV6;
}

static bool has_pair(const Device *d) {
        const char *kind = device_get(d, DEVICE_NICTYPE);

        return streq(kind, "bridged") || streq(kind, "p2p") || streq(kind, "routed");
}

int devices_set_priority(Devices *l, int network_priority) {
        int r = 0;

        /* Of the kernel's default queue these have the first of three bands (TC_PRIO_INTERACTIVE, TC_PRIO_CONTROL in linux/pkt_sched.h). */
        for (size_t i = 0; r >= 0 && i < l->n && network_priority > 0; i++)
                if (device_type(&l->items[i]) == DEVICE_NIC && has_pair(&l->items[i]) && !l->items[i].values[DEVICE_PRIORITY])
                        r = free_and_strdup(&l->items[i].values[DEVICE_PRIORITY], network_priority <= 5 ? "6" : "7");
        return r;
}

static bool is_host_network(const Device *d) {
        return device_type(d) == DEVICE_NIC && streq(device_get(d, DEVICE_NICTYPE), "host");
}

bool devices_share_network(const Devices *l) {
        for (size_t i = 0; i < l->n; i++)
                if (is_host_network(&l->items[i]))
                        return true;
        return false;
}

bool device_name_valid(const char *name) {
        return *name && strlen(name) <= DEVICE_NAME_MAX && strspn(name, LETTERS "_-") == strlen(name) && !strchr("_-", name[0]);
}

const char *device_key_name(DeviceKey key) {
        return device_table[key].name;
}

int device_key_find(const char *key, DeviceKey *ret, char **ret_error) {
        _cleanup_free_ char *escaped = NULL;

        for (DeviceKey i = 0; i < _DEVICE_KEY_MAX; i++)
                if (streq(device_table[i].name, key) || nulstr_has(device_table[i].lxd, key)) {
                        *ret = i;
                        return 0;
                }
        if (string_escape(key, &escaped) < 0)
                return -ENOMEM;
        return asprintf(ret_error, "Devices have no key '%.60s'.", escaped) < 0 ? -ENOMEM : -ENOENT;
}

int device_key_normalise(DeviceKey key, const char *text, char **ret, char **ret_error) {
        const DeviceKeyRow *row = &device_table[key];
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = text_is_plain(text);
        if (r < 0)
                return r;
        r = r == 0 || strlen(text) > 4096 ? -EINVAL : row->normalise(row, text, ret);
        if (r != -EINVAL && r != -ERANGE)
                return r;
        if (string_escape(text, &escaped) < 0)
                return -ENOMEM;
        if (strlen(escaped) > 80)
                strcpy(escaped + 77, "...");
        return asprintf(ret_error, "%s: '%s' is not %s.", row->name, escaped, row->expects) < 0 ? -ENOMEM : -EINVAL;
}

bool device_key_is_owner_settable(DeviceKey key, const char *value) {
        const DeviceKeyRow *row = &device_table[key];

        if (row->who == SETTING_OWNER)
                return true;
        return value && nulstr_has(row->owner_values, value);
}

bool device_key_is_lenders(DeviceKey key) {
        static const DeviceKey keys[] = { DEVICE_SOURCE, DEVICE_PATH, DEVICE_READ_ONLY, DEVICE_UID, DEVICE_GID, DEVICE_REQUIRED };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (keys[i] == key)
                        return true;
        return false;
}

int device_key_split(const char *text, char **ret_name, const char **ret_key, char **ret_error) {
        _cleanup_free_ char *name = NULL;
        size_t n = strcspn(text, ".");

        name = strndup(text, n);
        if (!name)
                return -ENOMEM;
        if (!text[n] || !text[n + 1] || !device_name_valid(name))
                return asprintf(ret_error, "A key of a device is written 'Device.NAME.Key', its name in letters, digits, '-' and '_', at most %u.",
                                DEVICE_NAME_MAX) < 0 ? -ENOMEM : -EINVAL;
        *ret_name = TAKE_PTR(name);
        *ret_key = text + n + 1;
        return 0;
}

static int add(Devices *l, const char *name, Device **ret, char **ret_error) {
        Device *items;

        if (l->n >= DEVICES_MAX)
                return asprintf(ret_error, "More than %u devices.", DEVICES_MAX) < 0 ? -ENOMEM : -EINVAL;
        items = reallocarray(l->items, l->n + 1, sizeof *items);
        if (!items)
                return -ENOMEM;
        l->items = items;
        items[l->n] = (Device) { .name = strdup(name) };
        if (!items[l->n].name)
                return -ENOMEM;
        *ret = &items[l->n++];
        return 0;
}

void devices_begin_anew(Devices *l, const char *name) {
        Device *d = devices_find(l, name);

        for (size_t i = 0; d && i < _DEVICE_KEY_MAX; i++)
                (void) free_and_strdup(&d->values[i], NULL);
}

int devices_apply(Devices *l, const char *name, const char *key, const char *text, char **ret_error) {
        _cleanup_free_ char *value = NULL;
        DeviceKey k;
        Device *d;
        int r;

        assert(l && name && key && text && ret_error);

        if (!device_name_valid(name))
                return asprintf(ret_error, "A device's name has letters, digits, '-' and '_' in it, at most %u.", DEVICE_NAME_MAX) < 0 ? -ENOMEM : -EINVAL;
        r = device_key_find(key, &k, ret_error);
        if (r < 0)
                return r;
        if (!streq(key, device_table[k].name))
                return asprintf(ret_error, "'%s' is written '%s=' in a file.", key, device_table[k].name) < 0 ? -ENOMEM : -ENOENT;
        if (*text) {
                r = device_key_normalise(k, text, &value, ret_error);
                if (r < 0)
                        return r;
        }
        d = devices_find(l, name);
        if (!d) {
                r = add(l, name, &d, ret_error);
                if (r < 0)
                        return r;
        }
        free(d->values[k]);
        d->values[k] = TAKE_PTR(value);
        return 0;
}

static int fail(char **ret_error, const Device *d, const char *format, ...) _printf_(3, 4);
static int fail(char **ret_error, const Device *d, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(&text, format, ap);
        va_end(ap);
        if (r < 0) {
                text = NULL;
                return -ENOMEM;
        }
        return asprintf(ret_error, "Device '%s' %s.", d->name, text) < 0 ? -ENOMEM : -EBADMSG;
}

/* A routed interface has addresses alone, the others networks that they are in. */
static int check_prefixes(const Device *d, DeviceKey key, unsigned whole, char **ret_error) {
        for (const char *p = d->values[key] ?: ""; *p; p += strspn(p, " ")) {
                int n = (int) strcspn(p, " ");
                const char *slash = memchr(p, '/', (size_t) n);

                if (!device_is_routed(d) && !slash)
                        return fail(ret_error, d, "needs the length of the prefix in %s=: '%.*s' is the address alone", device_table[key].name, n, p);
                if (device_is_routed(d) && slash && strtoul(slash + 1, NULL, 10) != whole)
                        return fail(ret_error, d, "is routed: '%.*s' of %s= cannot be more than an address", n, p, device_table[key].name);
                p += n;
        }
        return 0;
}

static int check_routed(const Device *d, char **ret_error) {
        for (size_t i = 0; i < 2; i++) {
                DeviceKey key = i == 0 ? DEVICE_IPV4_GATEWAY : DEVICE_IPV6_GATEWAY;

                if (d->values[key] && !streq(d->values[key], "none"))
                        return fail(ret_error, d, "is routed, and its gateway is the host: no %s= but none", device_table[key].name);
        }
        if (!d->values[DEVICE_IPV4_ADDRESS] && !d->values[DEVICE_IPV6_ADDRESS])
                return fail(ret_error, d, "is routed and needs IPv4Address= or IPv6Address=");
        return 0;
}

static int check_nic(const Device *d, char **ret_error) {
        const char *kind = device_get(d, DEVICE_NICTYPE);
        bool pair = has_pair(d);
        uint8_t scratch[6];
        int r;

        if (streq(kind, "host")) {
                for (DeviceKey k = 0; k < _DEVICE_KEY_MAX; k++)
                        /* A profile may have said what it is a port of. */
                        if (d->values[k] && (device_table[k].types & 1U << DEVICE_NIC) && k != DEVICE_TYPE && k != DEVICE_NICTYPE && k != DEVICE_PARENT)
                                return fail(ret_error, d, "is the host's network, and nothing can be said of it: no %s=", device_table[k].name);
                return 0;
        }
        if (!d->values[DEVICE_PARENT] && !pair)
                return fail(ret_error, d, "is %s and needs Parent=", kind);
        if (d->values[DEVICE_PARENT] && streq(kind, "p2p"))
                return fail(ret_error, d, "is p2p and has no use for Parent=");
        if (!pair && (d->values[DEVICE_HOST_NAME] || d->values[DEVICE_LIMIT_INGRESS] || d->values[DEVICE_LIMIT_EGRESS] || d->values[DEVICE_PRIORITY]))
                return fail(ret_error, d, "is %s and has no end on the host: no HostName=, LimitIngress=, LimitEgress=, Priority=", kind);
        if (!streq(kind, "bridged") && !device_is_routed(d) && (device_get_bool(d, DEVICE_MAC_FILTERING) || device_get_bool(d, DEVICE_IPV4_FILTERING) || device_get_bool(d, DEVICE_IPV6_FILTERING)))
                return fail(ret_error, d, "is %s; only bridged and routed ones are filtered", kind);
        r = check_prefixes(d, DEVICE_IPV4_ADDRESS, 32, ret_error);
        if (r >= 0)
                r = check_prefixes(d, DEVICE_IPV6_ADDRESS, 128, ret_error);
        if (r >= 0 && device_is_routed(d))
                r = check_routed(d, ret_error);
        if (r < 0)
                return r;
        if (device_get_bool(d, DEVICE_IPV4_FILTERING) && !device_is_routed(d) && !d->values[DEVICE_IPV4_ADDRESS])
                return fail(ret_error, d, "is filtered by IPv4 address and needs IPv4Address=");
        if (!d->values[DEVICE_INTERFACE]) {
                _cleanup_free_ char *name = NULL, *error = NULL;

                if (device_key_normalise(DEVICE_INTERFACE, d->name, &name, &error) < 0)
                        return fail(ret_error, d, "needs Name=, its own name is none for an interface");
        }
        return d->values[DEVICE_MAC_ADDRESS] && device_mac_parse(d->values[DEVICE_MAC_ADDRESS], scratch) < 0 ? -EBADMSG : 0;
}

static int check_node(const Device *d, char **ret_error) {
        const char *source = d->values[DEVICE_SOURCE];

        if (!source && !d->values[DEVICE_PATH])
                return fail(ret_error, d, "needs Source= or Path=");
        if (streq_ptr(source, "tmpfs"))
                return fail(ret_error, d, "is a node and cannot be tmpfs");
        if (!d->values[DEVICE_MAJOR] != !d->values[DEVICE_MINOR])
                return fail(ret_error, d, "has one of Major= and Minor= only");
        return 0;
}

static int check_root(const Device *d, char **ret_error) {
        if (!d->values[DEVICE_SIZE])
                return fail(ret_error, d, "is the root file system and needs Size=");
        for (DeviceKey k = 0; k < _DEVICE_KEY_MAX; k++)
                if (d->values[k] && k != DEVICE_TYPE && k != DEVICE_PATH && k != DEVICE_SIZE && k != DEVICE_REQUIRED)
                        return fail(ret_error, d, "is the root file system and cannot have %s=", device_table[k].name);
        return 0;
}

static int check_disk(const Device *d, char **ret_error) {
        const char *source = d->values[DEVICE_SOURCE];
        bool lent = d->values[DEVICE_SOURCE_UID];

        if (device_is_root(d))
                return check_root(d, ret_error);
        if (!source)
                return fail(ret_error, d, "is of type disk and needs Source=");
        if ((d->values[DEVICE_SIZE] || d->values[DEVICE_MODE]) && !streq(source, "tmpfs"))
                return fail(ret_error, d, "is not tmpfs and cannot have %s=", d->values[DEVICE_SIZE] ? "Size" : "Mode");
        if (streq(source, "tmpfs") && (d->values[DEVICE_FILE_SYSTEM] || d->values[DEVICE_PROPAGATION]))
                return fail(ret_error, d, "is tmpfs and cannot have FileSystem= or Propagation=");
        if (!lent != !d->values[DEVICE_SOURCE_GID] || !lent != !d->values[DEVICE_SOURCE_IDENTITY])
                return fail(ret_error, d, "has one of SourceUID=, SourceGID= and SourceIdentity= only");
        if (!lent && (d->values[DEVICE_UID] || d->values[DEVICE_GID]))
                return fail(ret_error, d, "is not lent by a user and cannot have UID= or GID=");
        if (lent && (device_get_bool(d, DEVICE_RECURSIVE) || !device_get_bool(d, DEVICE_SHIFT) || d->values[DEVICE_PROPAGATION] || d->values[DEVICE_FILE_SYSTEM]))
                return fail(ret_error, d, "is lent by a user and cannot have Recursive=, Shift=, Propagation= or FileSystem=");
        return 0;
}

static int check_usb(const Device *d, char **ret_error) {
        if (!d->values[DEVICE_SOURCE] && !d->values[DEVICE_VENDOR_ID])
                return fail(ret_error, d, "needs VendorID= or Source=");
        if (d->values[DEVICE_PRODUCT_ID] && !d->values[DEVICE_VENDOR_ID])
                return fail(ret_error, d, "has ProductID= and needs VendorID=");
        if (d->values[DEVICE_SOURCE] && !startswith(d->values[DEVICE_SOURCE], "/dev/bus/usb/"))
                return fail(ret_error, d, "is usb, whose Source= is below /dev/bus/usb/");
        return 0;
}

const char *device_proxy_address(const Device *d, DeviceKey key) {
        return strchr(d->values[key], ':') + 1;
}

static int check_proxy(const Device *d, char **ret_error) {
        bool named = startswith(d->values[DEVICE_LISTEN], "unix:/");

        if (!startswith(d->values[DEVICE_LISTEN], "udp:") != !startswith(d->values[DEVICE_CONNECT], "udp:"))
                return fail(ret_error, d, "cannot make a stream of datagrams, or the other way round: udp: leads to udp:");
        if (!named && (d->values[DEVICE_UID] || d->values[DEVICE_GID] || d->values[DEVICE_MODE]))
                return fail(ret_error, d, "does not listen on a socket that is a file: no UID=, GID=, Mode=");
        return 0;
}

static int check_one(const Device *d, char **ret_error) {
        DeviceType type = device_type(d);

        if (type < 0)
                return fail(ret_error, d, "has no Type=, or does not exist");
        for (DeviceKey k = 0; k < _DEVICE_KEY_MAX; k++) {
                if (d->values[k] && !(device_table[k].types & 1U << type))
                        return fail(ret_error, d, "is of type %s and cannot have %s=", device_type_to_string(type), device_table[k].name);
                if (!d->values[k] && (device_table[k].needed & 1U << type))
                        return fail(ret_error, d, "is of type %s and needs %s=", device_type_to_string(type), device_table[k].name);
        }
        if (type == DEVICE_NIC)
                return check_nic(d, ret_error);
        if (type == DEVICE_UNIX_CHAR || type == DEVICE_UNIX_BLOCK || type == DEVICE_TTY)
                return check_node(d, ret_error);
        if (type == DEVICE_PROXY)
                return check_proxy(d, ret_error);
        if (type == DEVICE_DISK)
                return check_disk(d, ret_error);
        return type == DEVICE_USB ? check_usb(d, ret_error) : 0;
}

/* Where it is inside, or what it is called there; of a proxy what nobody else can listen on. */
static const char *place(const Device *d) {
        DeviceType type = device_type(d);

        if (type == DEVICE_NONE)
                return NULL;
        if (type == DEVICE_PROXY)
                return streq(device_get(d, DEVICE_BIND), "host") ? d->values[DEVICE_LISTEN] : NULL;
        return type == DEVICE_NIC ? device_interface(d) : device_path(d);
}

int devices_check(const Devices *l, char **ret_error) {
        int r;

        for (size_t i = 0; i < l->n; i++) {
                const char *p;

                r = check_one(&l->items[i], ret_error);
                if (r < 0)
                        return r;
                p = place(&l->items[i]);
                for (size_t j = 0; p && j < i; j++)
                        if (device_type(&l->items[i]) == DEVICE_NIC && device_type(&l->items[j]) == DEVICE_NIC &&
                            is_host_network(&l->items[i]) != is_host_network(&l->items[j]))
                                return fail(ret_error, &l->items[i], "cannot be beside device '%s': one of them is the host's network, which is all or nothing", l->items[j].name);
                        else if (streq_ptr(place(&l->items[j]), p))
                                return fail(ret_error, &l->items[i], "is in the way of device '%s': both are '%s'", l->items[j].name, p);
        }
        return 0;
}
