/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/device.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "basic/strv.h"
#include "settings/device-table.h"
#include "settings/ini.h"
#include "settings/quote.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

static const char *const type_table[_DEVICE_TYPE_MAX] = {
        [DEVICE_NONE] = "none", [DEVICE_NIC] = "nic", [DEVICE_DISK] = "disk", [DEVICE_UNIX_CHAR] = "unix-char", [DEVICE_UNIX_BLOCK] = "unix-block",
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

const char *device_interface(const Device *d) {
        return d->values[DEVICE_INTERFACE] ?: d->name;
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

/* What was said of another kind of thing means nothing now. */
static void change_type(Device *d, DeviceType to) {
        for (size_t i = 0; i < _DEVICE_KEY_MAX; i++)
                if (!(device_table[i].types & 1U << to))
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
        if (k == DEVICE_TYPE && value)
                change_type(d, device_type_from_string(value));
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

static int check_nic(const Device *d, char **ret_error) {
        const char *kind = device_get(d, DEVICE_NICTYPE);
        bool pair = streq(kind, "bridged") || streq(kind, "p2p");
        uint8_t scratch[6];

        if (!d->values[DEVICE_PARENT] && !pair)
                return fail(ret_error, d, "is %s and needs Parent=", kind);
        if (d->values[DEVICE_PARENT] && streq(kind, "p2p"))
                return fail(ret_error, d, "is p2p and has no use for Parent=");
        if (!pair && (d->values[DEVICE_HOST_NAME] || d->values[DEVICE_LIMIT_INGRESS] || d->values[DEVICE_LIMIT_EGRESS]))
                return fail(ret_error, d, "is %s and has no end on the host: no HostName=, LimitIngress=, LimitEgress=", kind);
        if (!streq(kind, "bridged") && (device_get_bool(d, DEVICE_MAC_FILTERING) || device_get_bool(d, DEVICE_IPV4_FILTERING) || device_get_bool(d, DEVICE_IPV6_FILTERING)))
                return fail(ret_error, d, "is %s; only bridged ones are filtered", kind);
        if (device_get_bool(d, DEVICE_IPV4_FILTERING) && !d->values[DEVICE_IPV4_ADDRESS])
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
        if (type == DEVICE_UNIX_CHAR || type == DEVICE_UNIX_BLOCK)
                return check_node(d, ret_error);
        if (type == DEVICE_DISK && d->values[DEVICE_SIZE] && !streq(d->values[DEVICE_SOURCE], "tmpfs"))
                return fail(ret_error, d, "is not tmpfs and cannot have Size=");
        return 0;
}

/* Where it is inside, or what it is called there. */
static const char *place(const Device *d) {
        DeviceType type = device_type(d);

        if (type == DEVICE_NONE)
                return NULL;
        return type == DEVICE_NIC ? device_interface(d) : d->values[DEVICE_PATH] ?: d->values[DEVICE_SOURCE];
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
                        if (streq_ptr(place(&l->items[j]), p))
                                return fail(ret_error, &l->items[i], "is in the way of device '%s': both are '%s' inside", l->items[j].name, p);
        }
        return 0;
}
