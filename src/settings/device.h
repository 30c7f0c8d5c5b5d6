/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "basic/macro.h"

/* What a container is lent: [Device NAME] sections, each of a type, described by one table of keys (device-table.c) as the other settings are by
 * theirs. A section of the same name in a later file replaces key by key; Type=none there takes the device away. Values are kept as text in their
 * normal form: what has passed the table can be parsed by whoever acts on it. */

#define DEVICES_MAX 64U     /* of one container */
#define DEVICE_NAME_MAX 63U
#define DEVICE_SECTION "Device "

typedef enum DeviceType {
        DEVICE_NONE, /* not there, whatever files before this one say */
        DEVICE_NIC,
        DEVICE_DISK,
        DEVICE_UNIX_CHAR,
        DEVICE_UNIX_BLOCK,
        _DEVICE_TYPE_MAX,
        _DEVICE_TYPE_INVALID = -EINVAL,
} DeviceType;

const char *device_type_to_string(DeviceType t);
DeviceType device_type_from_string(const char *s);

typedef enum DeviceKey {
        DEVICE_TYPE,
        DEVICE_NICTYPE,
        DEVICE_PARENT,
        DEVICE_INTERFACE,
        DEVICE_HOST_NAME,
        DEVICE_MAC_ADDRESS,
        DEVICE_MTU,
        DEVICE_IPV4_ADDRESS,
        DEVICE_IPV6_ADDRESS,
        DEVICE_IPV4_GATEWAY,
        DEVICE_IPV6_GATEWAY,
        DEVICE_ROUTES,
        DEVICE_MAC_FILTERING,
        DEVICE_IPV4_FILTERING,
        DEVICE_IPV6_FILTERING,
        DEVICE_LIMIT_INGRESS,
        DEVICE_LIMIT_EGRESS,
        DEVICE_SOURCE,
        DEVICE_PATH,
        DEVICE_READ_ONLY,
        DEVICE_RECURSIVE,
        DEVICE_SHIFT,
        DEVICE_SIZE,
        DEVICE_MAJOR,
        DEVICE_MINOR,
        DEVICE_UID,
        DEVICE_GID,
        DEVICE_MODE,
        DEVICE_REQUIRED,
        _DEVICE_KEY_MAX,
} DeviceKey;

typedef struct Device {
        char *name;
        char *values[_DEVICE_KEY_MAX]; /* NULL: not set */
} Device;

typedef struct Devices {
        Device *items; /* owned, in the order in which they were first named */
        size_t n;
} Devices;

void device_done(Device *d);
int device_copy(const Device *d, Device *ret);
bool device_equal(const Device *a, const Device *b);

void devices_done(Devices *l);
Device *devices_find(const Devices *l, const char *name); /* NULL */

DeviceType device_type(const Device *d); /* of a device that has been checked */
/* As set, or what holds when it is not; NULL when there is neither. */
const char *device_get(const Device *d, DeviceKey key);
bool device_get_bool(const Device *d, DeviceKey key);
/* NIC: what it is called inside. */
const char *device_interface(const Device *d);

bool device_name_valid(const char *name);

/* Applies one assignment of a file; an empty one resets. -EINVAL, -ENOENT with a sentence. */
int devices_apply(Devices *l, const char *name, const char *key, const char *text, char **ret_error);
/* After the last file: each has a type and what its type needs, and no two are in each other's way. -EBADMSG with a sentence. */
int devices_check(const Devices *l, char **ret_error);

/* The key as people and LXD write it, and the text of its value in normal form. */
int device_key_find(const char *key, DeviceKey *ret, char **ret_error);
const char *device_key_name(DeviceKey key);
int device_key_normalise(DeviceKey key, const char *text, char **ret, char **ret_error);
/* Is this the owner's to say? value NULL: to take back what is there. */
bool device_key_is_owner_settable(DeviceKey key, const char *value);

/* "eth0.Parent" -> name (the caller's) and key (borrowed). */
int device_key_split(const char *text, char **ret_name, const char **ret_key, char **ret_error);

/* "10.0.0.5/24" and the like, in words that the kernel takes. */
int device_address_parse(int family, const char *text, void *ret_bytes, unsigned *ret_prefix);
int device_mac_parse(const char *text, uint8_t ret[static 6]);

void devices_print_help(FILE *f);
void devices_print_manual(FILE *f);
