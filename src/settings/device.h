/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "basic/macro.h"

/* What a container is lent: [Device NAME] sections, each of a type, described by one table of keys (device-table.c) as the other settings are by
 * theirs. A section of the same name in a later file that states Type= replaces the device as a whole, one without adds to it and changes it key by
 * key; Type=none takes it away. Values are kept as text in their normal form: what has passed the table can be parsed by whoever acts on it. */

#define DEVICES_MAX 64U     /* of one container */
#define DEVICE_NAME_MAX 63U
#define DEVICE_SECTION "Device "

typedef enum DeviceType {
        DEVICE_NONE, /* not there, whatever files before this one say */
        DEVICE_NIC,
        DEVICE_DISK,
        DEVICE_UNIX_CHAR,
        DEVICE_UNIX_BLOCK,
        DEVICE_USB,
        DEVICE_GPU,
        DEVICE_TTY,
        DEVICE_FUSE,
        DEVICE_PROXY,
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
        DEVICE_PRIORITY,
        DEVICE_SOURCE,
        DEVICE_PATH,
        DEVICE_READ_ONLY,
        DEVICE_RECURSIVE,
        DEVICE_SHIFT,
        DEVICE_SIZE,
        DEVICE_FILE_SYSTEM,
        DEVICE_MOUNT_OPTIONS,
        DEVICE_PROPAGATION,
        DEVICE_SOURCE_UID,
        DEVICE_SOURCE_GID,
        DEVICE_SOURCE_IDENTITY,
        DEVICE_VENDOR_ID,
        DEVICE_PRODUCT_ID,
        DEVICE_PCI_ADDRESS,
        DEVICE_MAJOR,
        DEVICE_MINOR,
        DEVICE_UID,
        DEVICE_GID,
        DEVICE_MODE,
        DEVICE_REQUIRED,
        DEVICE_LISTEN,
        DEVICE_CONNECT,
        DEVICE_BIND,
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
/* Does a start fail without it? Where not, it comes and goes with what the host has of it. */
bool device_is_required(const Device *d);
/* A disk that is the root file system itself, told how much it may hold. */
bool device_is_root(const Device *d);
/* Where a disk or a node of one path is inside; NULL: what is found of it says that. */
const char *device_path(const Device *d);
/* NIC: what it is called inside. */
const char *device_interface(const Device *d);

/* NIC: does the host lead to its addresses by routes? It is filtered by them, unless it is told otherwise. */
bool device_is_routed(const Device *d);
bool device_is_filtered(const Device *d, DeviceKey key);
/* Interfaces that have an end on the host and no Priority= of their own: NetworkPriority= of the container is theirs. */
int devices_set_priority(Devices *l, int network_priority);
/* The default gateway; NULL: none. */
const char *device_gateway(const Device *d, int family);
#define DEVICE_ROUTED_GATEWAY_IPV4 "169.254.0.1"
#define DEVICE_ROUTED_GATEWAY_IPV6 "fe80::1"

/* Has it the host's network in the place of one of its own? */
bool devices_share_network(const Devices *l);

bool device_name_valid(const char *name);

/* A file that states its type is about to be applied: nothing that was said of it before holds any more. */
void devices_begin_anew(Devices *l, const char *name);
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
/* Of a directory of one's own that one lends: may its owner say this, too? */
bool device_key_is_lenders(DeviceKey key);

/* "eth0.Parent" -> name (the caller's) and key (borrowed). */
int device_key_split(const char *text, char **ret_name, const char **ret_key, char **ret_error);

/* "10.0.0.5/24" and the like, in words that the kernel takes. */
int device_address_parse(int family, const char *text, void *ret_bytes, unsigned *ret_prefix);
int device_mac_parse(const char *text, uint8_t ret[static 6]);

/* PROXY: "tcp:[::1]:80" or "unix:/run/x" as systemd writes it: "[::1]:80", "/run/x". */
const char *device_proxy_address(const Device *d, DeviceKey key);

void devices_print_help(FILE *f);
void devices_print_manual(FILE *f);
