/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* THE table of what devices can be told, and how the text of each key is checked and put into its normal form. */

#include "settings/device-table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "settings/quantity.h"
#include "settings/quote.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define NIC (1U << DEVICE_NIC)
#define DISK (1U << DEVICE_DISK)
#define CHAR (1U << DEVICE_UNIX_CHAR)
#define BLOCK (1U << DEVICE_UNIX_BLOCK)
#define USB (1U << DEVICE_USB)
#define GPU (1U << DEVICE_GPU)
#define TTY (1U << DEVICE_TTY)
#define FUSE (1U << DEVICE_FUSE)
#define NODE (CHAR | BLOCK | TTY)
#define NODES (NODE | USB | GPU | FUSE)
#define PROXY (1U << DEVICE_PROXY)

bool nulstr_has(const char *list, const char *word) {
        NULSTR_EACH(s, list)
                if (streq(s, word))
                        return true;
        return false;
}

static int copy(const char *text, char **ret) {
        *ret = strdup(text);
        return *ret ? 0 : -ENOMEM;
}

static int normalise_choice(const DeviceKeyRow *row, const char *text, char **ret) {
        return nulstr_has(row->choices, text) ? copy(text, ret) : -EINVAL;
}

static int normalise_bool(const DeviceKeyRow *row, const char *text, char **ret) {
        int r = parse_bool(text);

        return r < 0 ? r : copy(r ? "yes" : "no", ret);
}

static int normalise_number(const DeviceKeyRow *row, const char *text, char **ret) {
        uint64_t v;
        int r;

        r = parse_u64(text, row->max, &v);
        if (r < 0)
                return r;
        return asprintf(ret, "%llu", (unsigned long long) v) < 0 ? -ENOMEM : 0;
}

static int normalise_mtu(const DeviceKeyRow *row, const char *text, char **ret) {
        uint64_t v;
        int r;

        /* 1280 is the least that IPv6 works with. */
        r = parse_u64(text, 65535, &v);
        if (r < 0 || v < 68)
                return r < 0 ? r : -ERANGE;
        return copy(text, ret);
}

/* What dev_valid_name() of the kernel takes, and no '%', which is a pattern to it. */
static int normalise_interface(const DeviceKeyRow *row, const char *text, char **ret) {
        if (strlen(text) > 15 || strspn(text, LOWER UPPER DIGITS "._-@+") != strlen(text) || streq(text, ".") || streq(text, "..") ||
            strchr(".-", text[0]) || streq(text, "lo") || streq(text, "all") || streq(text, "default"))
                return -EINVAL;
        return copy(text, ret);
}

int device_mac_parse(const char *text, uint8_t ret[static 6]) {
        unsigned b[6];
        char end;

        if (strlen(text) != 17 || strspn(text, DIGITS "abcdefABCDEF:") != 17 ||
            sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &end) != 6)
                return -EINVAL;
        for (size_t i = 0; i < 6; i++)
                ret[i] = (uint8_t) b[i];
        return 0;
}

static int normalise_mac(const DeviceKeyRow *row, const char *text, char **ret) {
        uint8_t b[6];
        int r;

        r = device_mac_parse(text, b);
        /* No interface has a group's address, or none. */
        if (r < 0 || (b[0] & 1) || memcmp(b, (const uint8_t[6]) {}, 6) == 0)
                return -EINVAL;
        return asprintf(ret, "%02x:%02x:%02x:%02x:%02x:%02x", b[0], b[1], b[2], b[3], b[4], b[5]) < 0 ? -ENOMEM : 0;
}

int device_address_parse(int family, const char *text, void *ret_bytes, unsigned *ret_prefix) {
        unsigned max = family == AF_INET ? 32 : 128;
        const char *slash = strchr(text, '/');
        char address[64];
        uint32_t prefix = max;
        int r;

        if ((slash ? (size_t) (slash - text) : strlen(text)) >= sizeof address)
                return -EINVAL;
        snprintf(address, sizeof address, "%.*s", (int) (slash ? slash - text : (ptrdiff_t) strlen(text)), text);
        if (slash) {
                r = parse_u32(slash + 1, max, &prefix);
                if (r < 0)
                        return r;
        }
        if (inet_pton(family, address, ret_bytes) != 1)
                return -EINVAL;
        *ret_prefix = prefix;
        return 0;
}

typedef int (*WordFunction)(const char *word, char ***words);

/* Words between blanks or commas, put back with one blank. */
static int normalise_words(const char *text, WordFunction function, char **ret) {
        _cleanup_strv_ char **words = NULL;
        int r;

        for (const char *p = text + strspn(text, " ,"); *p; p += strspn(p, " ,")) {
                size_t n = strcspn(p, " ,");
                char word[128];

                if (n >= sizeof word || strv_length(words) >= 32)
                        return -ERANGE;
                snprintf(word, sizeof word, "%.*s", (int) n, p);
                r = function(word, &words);
                if (r < 0)
                        return r;
                p += n;
        }
        return words ? strv_join(words, " ", ret) : -EINVAL;
}

typedef enum Prefix {
        PREFIX_NONE,
        PREFIX_MAY, /* what it must be is looked at where the type is known */
        PREFIX_MUST,
} Prefix;

static int add_prefix(int family, const char *word, Prefix wanted, char ***words) {
        char address[INET6_ADDRSTRLEN];
        uint8_t bytes[16];
        unsigned prefix;
        int r;

        r = device_address_parse(family, word, bytes, &prefix);
        if (r < 0)
                return r;
        if (strchr(word, '/') ? wanted == PREFIX_NONE : wanted == PREFIX_MUST)
                return -EINVAL;
        (void) inet_ntop(family, bytes, address, sizeof address);
        return strchr(word, '/') ? strv_extendf(words, "%s/%u", address, prefix) : strv_extend(words, address);
}

static int add_ipv4_address(const char *word, char ***words) {
        return add_prefix(AF_INET, word, PREFIX_MAY, words);
}

static int add_ipv6_address(const char *word, char ***words) {
        return add_prefix(AF_INET6, word, PREFIX_MAY, words);
}

static int add_route(const char *word, char ***words) {
        return add_prefix(strchr(word, ':') ? AF_INET6 : AF_INET, word, PREFIX_MUST, words);
}

static int normalise_ipv4_addresses(const DeviceKeyRow *row, const char *text, char **ret) {
        return normalise_words(text, add_ipv4_address, ret);
}

static int normalise_ipv6_addresses(const DeviceKeyRow *row, const char *text, char **ret) {
        return normalise_words(text, add_ipv6_address, ret);
}

static int normalise_routes(const DeviceKeyRow *row, const char *text, char **ret) {
        return normalise_words(text, add_route, ret);
}

static int normalise_gateway(int family, const char *text, char **ret) {
        _cleanup_strv_ char **words = NULL;
        int r;

        if (streq(text, "none"))
                return copy(text, ret);
        r = add_prefix(family, text, PREFIX_NONE, &words);
        return r < 0 ? r : copy(words[0], ret);
}

static int normalise_ipv4_gateway(const DeviceKeyRow *row, const char *text, char **ret) {
        return normalise_gateway(AF_INET, text, ret);
}

static int normalise_ipv6_gateway(const DeviceKeyRow *row, const char *text, char **ret) {
        return normalise_gateway(AF_INET6, text, ret);
}

/* "10Mbit" of LXD, "10M": bits a second, powers of 1000. */
static int normalise_rate(const DeviceKeyRow *row, const char *text, char **ret) {
        static const struct {
                const char *unit;
                uint64_t factor;
        } units[] = { { "", 1 }, { "bit", 1 }, { "k", 1000 }, { "kbit", 1000 }, { "M", 1000000 }, { "Mbit", 1000000 }, { "G", 1000000000 }, { "Gbit", 1000000000 } };
        size_t digits = strspn(text, DIGITS);
        char number[24];
        uint64_t v;
        int r;

        if (digits == 0 || digits >= sizeof number)
                return -EINVAL;
        snprintf(number, sizeof number, "%.*s", (int) digits, text);
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                if (!streq(text + digits, units[i].unit))
                        continue;
                r = parse_u64(number, UINT64_C(1000000000000) / units[i].factor, &v);
                if (r < 0)
                        return r;
                v *= units[i].factor;
                if (v < 8000)
                        return -ERANGE;
                return asprintf(ret, "%llu", (unsigned long long) v) < 0 ? -ENOMEM : 0;
        }
        return -EINVAL;
}

/* Digits and small letters, so many of them, and what stands between them. */
static int normalise_pattern(const char *pattern, const char *text, char **ret) {
        _cleanup_free_ char *lower = NULL;

        if (strlen(text) != strlen(pattern))
                return -EINVAL;
        lower = strdup(text);
        if (!lower)
                return -ENOMEM;
        for (size_t i = 0; lower[i]; i++) {
                lower[i] = lower[i] >= 'A' && lower[i] <= 'F' ? (char) (lower[i] - 'A' + 'a') : lower[i];
                if (pattern[i] == 'h' ? !strchr(DIGITS "abcdef", lower[i]) : lower[i] != pattern[i])
                        return -EINVAL;
        }
        *ret = lower;
        lower = NULL;
        return 0;
}

static int normalise_hex_id(const DeviceKeyRow *row, const char *text, char **ret) {
        return normalise_pattern("hhhh", text + (strncmp(text, "0x", 2) == 0 ? 2 : 0), ret);
}

/* With its domain or without. */
static int normalise_pci(const DeviceKeyRow *row, const char *text, char **ret) {
        char full[32];

        if (strlen(text) == 7) {
                snprintf(full, sizeof full, "0000:%s", text);
                text = full;
        }
        return normalise_pattern("hhhh:hh:hh.h", text, ret);
}

/* Words between commas: what the file system is told, one by one. */
static int normalise_options(const DeviceKeyRow *row, const char *text, char **ret) {
        if (strlen(text) > 512 || strspn(text, LOWER UPPER DIGITS "_-=.:+@%,") != strlen(text) || text[0] == ',' || strstr(text, ",,") || endswith(text, ","))
                return -EINVAL;
        return copy(text, ret);
}

static int normalise_identity(const DeviceKeyRow *row, const char *text, char **ret) {
        return strlen(text) < 100 && strspn(text, DIGITS "abcdef-") == strlen(text) ? copy(text, ret) : -EINVAL;
}

/* Absolute, no '..', not '/' itself; doubled and trailing slashes go. */
static int normalise_path(const DeviceKeyRow *row, const char *text, char **ret) {
        char *p;

        if (text[0] != '/' || strlen(text) >= 1024 || endswith(text, "\\"))
                return -EINVAL;
        p = *ret = malloc(strlen(text) + 1);
        if (!p)
                return -ENOMEM;
        for (const char *t = text; *t;) {
                size_t n;

                t += strspn(t, "/");
                n = strcspn(t, "/");
                if (n == 0)
                        break;
                if ((n == 1 && t[0] == '.') || (n == 2 && t[0] == '.' && t[1] == '.')) {
                        free(*ret);
                        *ret = NULL;
                        return -EINVAL;
                }
                *p++ = '/';
                memcpy(p, t, n);
                p += n;
                t += n;
        }
        *p = 0;
        if (**ret)
                return 0;
        free(*ret);
        *ret = NULL;
        return -EINVAL;
}

/* The root file system is a place for a disk, too. */
static int normalise_place(const DeviceKeyRow *row, const char *text, char **ret) {
        return streq(text, "/") ? copy("/", ret) : normalise_path(row, text, ret);
}

/* A directory of the container's own; the name is one of a file. */
static int normalise_source(const DeviceKeyRow *row, const char *text, char **ret) {
        const char *volume = startswith(text, "volume:");

        if (volume) {
                size_t n = strlen(volume);

                return n == 0 || n > 64 || strspn(volume, LOWER DIGITS "-_.") != n || !strchr(LOWER DIGITS, volume[0]) ? -EINVAL : copy(text, ret);
        }
        return streq(text, "tmpfs") || streq(text, "tmpfs:") ? copy("tmpfs", ret) : normalise_path(row, text, ret);
}

static int normalise_size(const DeviceKeyRow *row, const char *text, char **ret) {
        uint64_t v;
        int r;

        r = parse_size(text, &v);
        if (r < 0 || v == 0)
                return r < 0 ? r : -ERANGE;
        return print_size(v, ret);
}

static int normalise_mode(const DeviceKeyRow *row, const char *text, char **ret) {
        const char *digits = text + (text[0] == '0' && text[1]);

        /* Of a directory that everybody writes into. */
        if (strlen(text) == 4 && text[0] == '1' && strspn(text, "01234567") == 4)
                return copy(text, ret);
        if (strlen(digits) != 3 || strspn(digits, "01234567") != 3)
                return -EINVAL;
        return asprintf(ret, "0%s", digits) < 0 ? -ENOMEM : 0;
}

/* "ADDRESS:PORT", of IPv6 "[ADDRESS]:PORT". */
static int normalise_internet(const char *protocol, const char *text, char **ret) {
        char address[INET6_ADDRSTRLEN], number[INET6_ADDRSTRLEN + 8];
        const char *colon = strrchr(text, ':');
        int family = *text == '[' ? AF_INET6 : AF_INET;
        uint8_t bytes[16];
        size_t n = colon ? (size_t) (colon - text) : 0;
        uint32_t port;
        int r;

        if (n < 3 || n >= sizeof number || (family == AF_INET6 && text[n - 1] != ']'))
                return -EINVAL;
        r = parse_u32(colon + 1, 65535, &port);
        if (r < 0 || port == 0)
                return r < 0 ? r : -ERANGE;
        snprintf(number, sizeof number, "%.*s", (int) (family == AF_INET6 ? n - 2 : n), family == AF_INET6 ? text + 1 : text);
        if (inet_pton(family, number, bytes) != 1)
                return -EINVAL;
        (void) inet_ntop(family, bytes, address, sizeof address);
        return asprintf(ret, family == AF_INET6 ? "%s:[%s]:%u" : "%s:%s:%u", protocol, address, port) < 0 ? -ENOMEM : 0;
}

static int normalise_proxied(const DeviceKeyRow *row, const char *text, char **ret) {
        _cleanup_free_ char *path = NULL;
        const char *rest;
        int r;

        for (const char *const *protocol = (const char *const[]) { "tcp", "udp", NULL }; *protocol; protocol++)
                if (startswith(text, *protocol) && text[3] == ':')
                        return normalise_internet(*protocol, text + 4, ret);
        rest = startswith(text, "unix:");
        if (!rest)
                return -EINVAL;
        /* What fits into a socket's address, and is no specifier or word of a unit. */
        if (strlen(rest) > 100 || strlen(rest) < 2 || strspn(rest, LOWER UPPER DIGITS "@/._-:+") != strlen(rest))
                return -EINVAL;
        if (rest[0] == '@')
                return copy(text, ret);
        r = normalise_path(row, rest, &path);
        if (r < 0)
                return r;
        return asprintf(ret, "unix:%s", path) < 0 ? -ENOMEM : 0;
}

/* As LXD has called it at different times. */
static int normalise_bind(const DeviceKeyRow *row, const char *text, char **ret) {
        if (streq(text, "host"))
                return copy(text, ret);
        return streq(text, "container") || streq(text, "instance") || streq(text, "guest") ? copy("container", ret) : -EINVAL;
}

#define A_SOCKET "tcp:ADDRESS:PORT, tcp:[ADDRESS]:PORT, the same with udp, unix:/PATH or unix:@NAME"
#define A_PATH "an absolute path below / without '.' and '..'"

const DeviceKeyRow device_table[_DEVICE_KEY_MAX] = {
        [DEVICE_TYPE] = { "Type", "type\0", NIC | DISK | NODES | PROXY | 1U << DEVICE_NONE, 0, normalise_choice, "one of nic, disk, unix-char, unix-block, usb, gpu, tty, fuse, proxy, none",
                          "none\0nic\0disk\0unix-char\0unix-block\0usb\0gpu\0tty\0fuse\0proxy\0", 0, SETTING_ADMIN, "nic\0none\0", NULL,
                          "What it is: nic, a network interface; disk, a file system or file; unix-char and unix-block, a device node; usb, gpu, the nodes of such a device; tty, a serial line and its like; fuse, /dev/fuse; proxy, an address of the host that leads into the container; none, nothing, whatever a profile says" },
        [DEVICE_NICTYPE] = { "NicType", "nictype\0", NIC, 0, normalise_choice, "one of bridged, p2p, routed, macvlan, physical, host", "bridged\0p2p\0routed\0macvlan\0physical\0host\0", 0,
                             SETTING_ADMIN, "bridged\0p2p\0", "bridged",
                             "bridged: one end of a veth pair, the other is a port of the bridge Parent=; p2p: the other end is left to the host; routed: the host leads to its addresses by routes to the other end, without a bridge; macvlan: an interface on top of Parent=; physical: Parent= itself, while it runs; host: no network of its own but the host's, all of it, for what is trusted as the host's own services are" },
        [DEVICE_PARENT] = { "Parent", "parent\0network\0", NIC, 0, normalise_interface, "the name of a network interface of the host", NULL, 0, SETTING_ADMIN, "berthbr0\0",
                            NULL, "The host's bridge or interface; for bridged, berthbr0 when it is not set, which berth makes when it is wanted; for routed, where others find its addresses, if anywhere" },
        [DEVICE_INTERFACE] = { "Name", "name\0", NIC, 0, normalise_interface, "a name for a network interface, at most 15 characters", NULL, 0, SETTING_OWNER, NULL, NULL,
                               "What the interface is called inside; the device's own name when it is not set" },
        [DEVICE_HOST_NAME] = { "HostName", "host_name\0", NIC, 0, normalise_interface, "a name for a network interface, at most 15 characters", NULL, 0, SETTING_ADMIN, NULL, NULL,
                               "bridged, p2p, routed: what the host's end is called; made of the names of container and device when it is not set" },
        [DEVICE_MAC_ADDRESS] = { "MACAddress", "hwaddr\0", NIC, 0, normalise_mac, "a hardware address of one interface, such as 02:00:00:12:34:56", NULL, 0, SETTING_ADMIN, NULL, NULL,
                                 "Hardware address; always the same one, made of the container's UUID, when it is not set" },
        [DEVICE_MTU] = { "MTUBytes", "mtu\0", NIC, 0, normalise_mtu, "a number of bytes from 68 to 65535", NULL, 0, SETTING_OWNER, NULL, NULL, "Largest packet; that of the parent when it is not set" },
        [DEVICE_IPV4_ADDRESS] = { "IPv4Address", "ipv4.address\0", NIC, 0, normalise_ipv4_addresses, "a list of IPv4 addresses with prefix length, such as 10.0.0.5/24 (routed: without)", NULL, 0,
                                  SETTING_ADMIN, NULL, NULL, "Addresses that it has from the start, so that a guest needs no network manager" },
        [DEVICE_IPV6_ADDRESS] = { "IPv6Address", "ipv6.address\0", NIC, 0, normalise_ipv6_addresses, "a list of IPv6 addresses with prefix length, such as fd00::5/64 (routed: without)", NULL, 0,
                                  SETTING_ADMIN, NULL, NULL, "The same for IPv6" },
        [DEVICE_IPV4_GATEWAY] = { "IPv4Gateway", "ipv4.gateway\0", NIC, 0, normalise_ipv4_gateway, "an IPv4 address, or none", NULL, 0, SETTING_OWNER, NULL, NULL, "Default gateway that it has from the start; routed: the host, if it is not none" },
        [DEVICE_IPV6_GATEWAY] = { "IPv6Gateway", "ipv6.gateway\0", NIC, 0, normalise_ipv6_gateway, "an IPv6 address, or none", NULL, 0, SETTING_OWNER, NULL, NULL, "The same for IPv6" },
        [DEVICE_ROUTES] = { "Routes", NULL, NIC, 0, normalise_routes, "a list of networks, such as 10.1.0.0/16 fd00:1::/48", NULL, 0, SETTING_OWNER, NULL, NULL,
                            "Networks that are reached through it" },
        [DEVICE_MAC_FILTERING] = { "MACFiltering", "security.mac_filtering\0", NIC, 0, normalise_bool, "yes or no", NULL, 0, SETTING_ADMIN, NULL, "no",
                                   "bridged, routed: nothing goes out that does not come from its own hardware address" },
        [DEVICE_IPV4_FILTERING] = { "IPv4Filtering", "security.ipv4_filtering\0", NIC, 0, normalise_bool, "yes or no", NULL, 0, SETTING_ADMIN, NULL, "no",
                                    "bridged, routed: nothing goes out that does not come from IPv4Address=; of routed yes when it is not set" },
        [DEVICE_IPV6_FILTERING] = { "IPv6Filtering", "security.ipv6_filtering\0", NIC, 0, normalise_bool, "yes or no", NULL, 0, SETTING_ADMIN, NULL, "no",
                                    "bridged, routed: nothing goes out that does not come from IPv6Address=; of routed yes when it is not set" },
        [DEVICE_LIMIT_INGRESS] = { "LimitIngress", "limits.ingress\0", NIC, 0, normalise_rate, "a rate of 8kbit to 1000Gbit, such as 10Mbit", NULL, 0, SETTING_ADMIN, NULL, NULL,
                                   "bridged, p2p, routed: how many bits a second it may receive" },
        [DEVICE_LIMIT_EGRESS] = { "LimitEgress", "limits.egress\0", NIC, 0, normalise_rate, "a rate of 8kbit to 1000Gbit, such as 10Mbit", NULL, 0, SETTING_ADMIN, NULL, NULL,
                                  "bridged, p2p, routed: how many bits a second it may send" },
        [DEVICE_PRIORITY] = { "Priority", "limits.priority\0", NIC, 0, normalise_number, "a number up to 4294967295", NULL, UINT32_MAX, SETTING_ADMIN, NULL, NULL,
                              "bridged, p2p, routed: the priority (skb->priority) of what it sends, for the queues of the host's interfaces; that of NetworkPriority= when it is not set" },
        [DEVICE_SOURCE] = { "Source", "source\0", DISK | NODE | USB, 0, normalise_source, A_PATH ", volume: and a name, or tmpfs", NULL, 0, SETTING_ADMIN, NULL, NULL,
                            "The host's directory, file or node, or a block device with a file system; volume:NAME for a directory of its own that is made, copied and deleted with it; tmpfs for a disk in memory. Of a node Path= when it is not set" },
        [DEVICE_PATH] = { "Path", "path\0", DISK | NODE | FUSE, DISK, normalise_place, "an absolute path without '.' and '..'", NULL, 0, SETTING_ADMIN, NULL, NULL,
                          "Where it is inside. Of a node Source= when it is not set; / for the root file system, which is then told its Size=" },
        [DEVICE_READ_ONLY] = { "ReadOnly", "readonly\0", DISK, 0, normalise_bool, "yes or no", NULL, 0, SETTING_ADMIN, NULL, "no", "It cannot be written to" },
        [DEVICE_RECURSIVE] = { "Recursive", "recursive\0", DISK, 0, normalise_bool, "yes or no", NULL, 0, SETTING_ADMIN, NULL, "no", "With the mounts below the directory" },
        [DEVICE_SHIFT] = { "Shift", "shift\0", DISK, 0, normalise_bool, "yes or no", NULL, 0, SETTING_ADMIN, NULL, "yes",
                           "User N of the host owns the files of user N inside (an idmapped mount); otherwise the container's root is the host's user UIDBase=" },
        [DEVICE_SIZE] = { "Size", "size\0", DISK, 0, normalise_size, "a size, such as 64M", NULL, 0, SETTING_ADMIN, NULL, NULL, "tmpfs, and the disk whose Path= is /: how much it holds at the most" },
        [DEVICE_FILE_SYSTEM] = { "FileSystem", NULL, DISK, 0, normalise_choice, "one of auto, ext4, xfs, btrfs, f2fs, vfat, exfat, iso9660, squashfs, erofs",
                                 "auto\0ext4\0xfs\0btrfs\0f2fs\0vfat\0exfat\0iso9660\0squashfs\0erofs\0", 0, SETTING_ADMIN, NULL, NULL,
                                 "A file as Source= is an image of this file system, and is mounted; of a block device auto when it is not set" },
        [DEVICE_MOUNT_OPTIONS] = { "MountOptions", "raw.mount.options\0", DISK, 0, normalise_options, "a list of options of the file system, separated by commas", NULL, 0,
                                   SETTING_ADMIN, NULL, NULL, "Block devices and images: what the file system is told when it is mounted" },
        [DEVICE_PROPAGATION] = { "Propagation", "propagation\0", DISK, 0, normalise_choice, "one of private, rprivate, slave, rslave, shared, rshared, unbindable, runbindable",
                                 "private\0rprivate\0slave\0rslave\0shared\0rshared\0unbindable\0runbindable\0", 0, SETTING_ADMIN, NULL, NULL,
                                 "slave: what the host mounts below it later is seen inside; shared: and the other way round; private when it is not set" },
        [DEVICE_SOURCE_UID] = { "SourceUID", NULL, DISK, 0, normalise_number, "a user id", NULL, UINT32_MAX - 1, SETTING_BERTH, NULL, NULL,
                                "Whose directory it is, when a user has lent his own: the only user whose files are somebody's inside" },
        [DEVICE_SOURCE_GID] = { "SourceGID", NULL, DISK, 0, normalise_number, "a group id", NULL, UINT32_MAX - 1, SETTING_BERTH, NULL, NULL, "And the only group" },
        [DEVICE_SOURCE_IDENTITY] = { "SourceIdentity", NULL, DISK, 0, normalise_identity, "what berth has noted", NULL, 0, SETTING_BERTH, NULL, NULL,
                                     "Which directory it was: another one at its path is not lent" },
        [DEVICE_VENDOR_ID] = { "VendorID", "vendorid\0", USB | GPU, 0, normalise_hex_id, "four hexadecimal digits", NULL, 0, SETTING_ADMIN, NULL, NULL, "Of whom it is made" },
        [DEVICE_PRODUCT_ID] = { "ProductID", "productid\0", USB | GPU, 0, normalise_hex_id, "four hexadecimal digits", NULL, 0, SETTING_ADMIN, NULL, NULL, "What it is; any of VendorID= when it is not set" },
        [DEVICE_PCI_ADDRESS] = { "PCIAddress", "pci\0", GPU, 0, normalise_pci, "an address such as 0000:00:02.0", NULL, 0, SETTING_ADMIN, NULL, NULL, "Which graphics card; all that fit when it is not set" },
        [DEVICE_MAJOR] = { "Major", "major\0", CHAR | BLOCK, 0, normalise_number, "a number up to 4095", NULL, 4095, SETTING_ADMIN, NULL, NULL, "The node's major number; that of Source= when it is not set" },
        [DEVICE_MINOR] = { "Minor", "minor\0", CHAR | BLOCK, 0, normalise_number, "a number up to 1048575", NULL, 1048575, SETTING_ADMIN, NULL, NULL, "The node's minor number; that of Source= when it is not set" },
        [DEVICE_UID] = { "UID", "uid\0", NODES | DISK | PROXY, 0, normalise_number, "a user id up to 65533", NULL, 65533, SETTING_ADMIN, NULL, "0", "The node's owner, inside; who the lender of a directory is inside; of a proxy's socket that is a file, where it listens" },
        [DEVICE_GID] = { "GID", "gid\0", NODES | DISK | PROXY, 0, normalise_number, "a group id up to 65533", NULL, 65533, SETTING_ADMIN, NULL, "0", "The node's group, inside; what the lender's group is inside; of a proxy's socket that is a file, where it listens" },
        [DEVICE_MODE] = { "Mode", "mode\0", NODES | PROXY | DISK, 0, normalise_mode, "an octal mode, such as 0660", NULL, 0, SETTING_ADMIN, NULL, "0660", "The node's mode; of fuse 0666 when it is not set; or the one of a proxy's socket that is a file, or of a directory that is tmpfs, 0755 when it is not set" },
        [DEVICE_REQUIRED] = { "Required", "required\0", DISK | NODES, 0, normalise_bool, "yes or no", NULL, 0, SETTING_ADMIN, NULL, "yes",
                              "The container does not start when the source is not there; otherwise it starts without, and what is no disk comes and goes with the host's; of usb no when it is not set" },
        [DEVICE_LISTEN] = { "Listen", "listen\0", PROXY, PROXY, normalise_proxied, A_SOCKET, NULL, 0, SETTING_ADMIN, NULL, NULL,
                            "Where the host listens while the container runs; with Bind=container, where something listens in it" },
        [DEVICE_CONNECT] = { "Connect", "connect\0", PROXY, PROXY, normalise_proxied, A_SOCKET, NULL, 0, SETTING_ADMIN, NULL, NULL,
                             "Where that leads to, in the container; what listens there sees a connection from there. With Bind=container, an address or a file of the host's" },
        [DEVICE_BIND] = { "Bind", "bind\0", PROXY, 0, normalise_bind, "host or container (or LXD's instance, guest)", NULL, 0, SETTING_ADMIN, NULL, "host",
                          "Which of the two listens; the other one is led to" },
};
