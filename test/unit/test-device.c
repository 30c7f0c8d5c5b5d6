/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/device.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/bridge.h"
#include "launch/nic.h"
#include "launch/node-find.h"
#include "settings/device-file.h"
#include "settings/device-table.h"
#include "settings/settings.h"
#include "unit.h"

static int apply(Devices *l, const char *name, const char *key, const char *value) {
        _cleanup_free_ char *error = NULL;
        int r = devices_apply(l, name, key, value, &error);

        ck_assert_msg(r >= 0 || error, "no sentence for %s=%s", key, value);
        return r;
}

START_TEST(normal_forms) {
        static const struct {
                const char *key, *text, *expected; /* NULL: refused */
        } cases[] = {
                { "Type", "nic", "nic" }, { "Type", "NIC", NULL }, { "Type", "gpu2", NULL },
                { "nictype", "macvlan", "macvlan" }, { "nictype", "ipvlan", NULL },
                { "parent", "br0", "br0" }, { "parent", "../x", NULL }, { "parent", "a/b", NULL }, { "parent", "sixteen-letters0", NULL }, { "parent", "a%d", NULL },
                { "name", "eth0.5", "eth0.5" }, { "name", "lo", NULL }, { "name", ".", NULL }, { "name", "-a", NULL },
                { "hwaddr", "02:AA:00:00:00:01", "02:aa:00:00:00:01" }, { "hwaddr", "01:00:00:00:00:01", NULL }, { "hwaddr", "00:00:00:00:00:00", NULL },
                { "hwaddr", "02:00:00:00:00", NULL }, { "hwaddr", "02-00-00-00-00-01", NULL },
                { "mtu", "1400", "1400" }, { "mtu", "67", NULL }, { "mtu", "65536", NULL }, { "mtu", "-1", NULL },
                { "ipv4.address", "10.0.0.5/24, 10.0.1.5/8", "10.0.0.5/24 10.0.1.5/8" }, { "ipv4.address", "10.0.0.5", "10.0.0.5" }, { "ipv4.address", "10.0.0/24", NULL },
                { "ipv4.address", "10.0.0.5/33", NULL }, { "ipv4.address", "fd00::1/64", NULL }, { "ipv4.address", ",", NULL },
                { "ipv6.address", "FD00:0::5/64", "fd00::5/64" }, { "ipv6.address", "fd00::5/129", NULL },
                { "ipv4.gateway", "10.0.0.1", "10.0.0.1" }, { "ipv4.gateway", "10.0.0.1/24", NULL }, { "ipv6.gateway", "fe80::1", "fe80::1" }, { "ipv6.gateway", "none", "none" }, { "ipv4.gateway", "no", NULL },
                { "Routes", "10.1.0.0/16 fd00:1::/48", "10.1.0.0/16 fd00:1::/48" }, { "Routes", "default", NULL },
                { "security.mac_filtering", "true", "yes" }, { "security.mac_filtering", "2", NULL },
                { "limits.ingress", "10Mbit", "10000000" }, { "limits.ingress", "10M", "10000000" }, { "limits.ingress", "0", NULL }, { "limits.ingress", "10Mbps", NULL },
                { "limits.egress", "99999999999999999999Gbit", NULL },
                { "listen", "tcp:0.0.0.0:80", "tcp:0.0.0.0:80" }, { "listen", "tcp:[0:0::1]:080", "tcp:[::1]:80" }, { "listen", "udp:0.0.0.0:80", "udp:0.0.0.0:80" }, { "listen", "udpx0.0.0.0:80", NULL }, { "bind", "instance", "container" }, { "bind", "both", NULL }, { "listen", "tcp:::1:80", NULL },
                { "listen", "tcp:[::1]", NULL }, { "listen", "tcp:1.2.3:80", NULL }, { "listen", "tcp:1.2.3.4:65536", NULL }, { "listen", "tcp:1.2.3.4:0", NULL }, { "listen", "tcp:[1.2.3.4]:1", NULL },
                { "listen", "unix:/run//x", "unix:/run/x" }, { "listen", "unix:/run/../x", NULL }, { "listen", "unix:x", NULL }, { "connect", "unix:@a", "unix:@a" }, { "connect", "unix:@", NULL },
                { "source", "//srv///a/", "/srv/a" }, { "source", "/srv/../etc", NULL }, { "source", "srv", NULL }, { "source", "/", NULL }, { "source", "tmpfs:", "tmpfs" },
                { "path", "/mnt/x", "/mnt/x" }, { "path", "/./x", NULL }, { "path", "tmpfs", NULL },
                { "readonly", "on", "yes" }, { "size", "64MiB", "64M" }, { "size", "0", NULL }, { "size", "-1", NULL },
                { "major", "4095", "4095" }, { "major", "4096", NULL }, { "minor", "1048576", NULL }, { "uid", "65534", NULL }, { "mode", "660", "0660" },
                { "path", "/", "/" }, { "FileSystem", "auto", "auto" }, { "FileSystem", "proc", NULL }, { "raw.mount.options", "noload,commit=5", "noload,commit=5" },
                { "raw.mount.options", "a,,b", NULL }, { "raw.mount.options", "a b", NULL }, { "propagation", "rslave", "rslave" }, { "propagation", "both", NULL },
                { "vendorid", "0x1D6B", "1d6b" }, { "vendorid", "1d6", NULL }, { "productid", "00g2", NULL }, { "pci", "00:02.0", "0000:00:02.0" }, { "pci", "0000:00:02", NULL },
                { "SourceUID", "4294967295", NULL }, { "SourceIdentity", "1f-a-0-0", "1f-a-0-0" }, { "SourceIdentity", "../x", NULL },
                { "mode", "0660", "0660" }, { "mode", "4755", NULL }, { "mode", "888", NULL }, { "required", "maybe", NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *value = NULL, *error = NULL;
                DeviceKey key;
                int r;

                ck_assert_int_eq(device_key_find(cases[i].key, &key, &error), 0);
                r = device_key_normalise(key, cases[i].text, &value, &error);
                if (cases[i].expected) {
                        _cleanup_free_ char *again = NULL;

                        ck_assert_msg(r == 0, "%s=%s: %s", cases[i].key, cases[i].text, error ?: "");
                        ck_assert_str_eq(value, cases[i].expected);
                        ck_assert_int_eq(device_key_normalise(key, value, &again, &error), 0);
                        ck_assert_str_eq(again, value);
                } else {
                        ck_assert_msg(r == -EINVAL && error, "%s=%s is taken", cases[i].key, cases[i].text);
                        ck_assert_msg(strstr(error, device_key_name(key)) && strstr(error, cases[i].text), "'%s' does not name key and value", error);
                }
        }
}
END_TEST

/* Whatever the key: too long, control characters, a newline, nothing that is taken by chance. */
START_TEST(bad_values_of_every_key) {
        char big[6000];

        memset(big, 'a', sizeof big - 1);
        big[0] = '/';
        big[sizeof big - 1] = 0;
        for (DeviceKey k = 0; k < _DEVICE_KEY_MAX; k++)
                for (const char *const *v = (const char *const[]) { "a\nb", "\x1b[0m", "\xff", "/x\\", " ", big, NULL }; *v; v++) {
                        _cleanup_free_ char *value = NULL, *error = NULL;

                        ck_assert_msg(device_key_normalise(k, *v, &value, &error) == -EINVAL, "%s=%s", device_key_name(k), *v);
                        ck_assert(error && !strchr(error, '\n') && !strchr(error, '\x1b'));
                }
}
END_TEST

START_TEST(rows_are_whole) {
        for (DeviceKey k = 0; k < _DEVICE_KEY_MAX; k++) {
                const DeviceKeyRow *row = &device_table[k];
                _cleanup_free_ char *value = NULL, *error = NULL;
                DeviceKey found;

                ck_assert(row->name && row->types && row->normalise && row->expects && row->help);
                ck_assert(!(row->needed & ~row->types));
                ck_assert_int_eq(device_key_find(row->name, &found, &error), 0);
                ck_assert_int_eq(found, k);
                NULSTR_EACH(l, row->lxd) {
                        ck_assert_int_eq(device_key_find(l, &found, &error), 0);
                        ck_assert_int_eq(found, k);
                }
                if (row->fallback)
                        ck_assert_int_eq(device_key_normalise(k, row->fallback, &value, &error), 0);
                NULSTR_EACH(v, row->owner_values)
                        ck_assert(row->who != SETTING_OWNER && device_key_is_owner_settable(k, v));
        }
        for (int t = 0; t < _DEVICE_TYPE_MAX; t++)
                ck_assert_int_eq(device_type_from_string(device_type_to_string((DeviceType) t)), t);
}
END_TEST

START_TEST(later_sections_replace) {
        _cleanup_(devices_done) Devices l = {};
        char *error = NULL;

        ck_assert_int_eq(apply(&l, "eth0", "Parent", "br0"), 0);
        ck_assert_int_eq(apply(&l, "eth0", "Type", "nic"), 0);
        ck_assert_int_eq(apply(&l, "eth0", "MTUBytes", "1400"), 0);
        ck_assert_str_eq(device_get(&l.items[0], DEVICE_PARENT), "br0");
        ck_assert_str_eq(device_get(&l.items[0], DEVICE_NICTYPE), "bridged");
        ck_assert_int_eq(apply(&l, "eth0", "Parent", "br1"), 0);
        ck_assert_int_eq(apply(&l, "eth0", "MTUBytes", ""), 0);
        ck_assert_uint_eq(l.n, 1);
        ck_assert_str_eq(device_get(&l.items[0], DEVICE_PARENT), "br1");
        ck_assert(!device_get(&l.items[0], DEVICE_MTU));
        assert_ok(devices_check(&l, &error), error);

        /* R82 */
        devices_begin_anew(&l, "eth0");
        ck_assert_int_eq(apply(&l, "eth0", "Type", "none"), 0);
        ck_assert(!l.items[0].values[DEVICE_PARENT]);
        assert_ok(devices_check(&l, &error), error);
        ck_assert_int_eq(device_type(&l.items[0]), DEVICE_NONE);
}
END_TEST

START_TEST(what_does_not_fit_together) {
        static const char *const cases[][5] = {
                { "Parent=br0" }, { "Type=nic", "Path=/x" }, { "Type=disk", "Source=/x" }, { "Type=disk", "Path=/x" }, { "Type=disk", "Source=/x", "Path=/y", "Size=1M" },
                { "Type=nic", "NicType=macvlan" }, { "Type=nic", "NicType=p2p", "Parent=br0" }, { "Type=nic", "NicType=p2p", "MACFiltering=yes" },
                { "Type=nic", "NicType=physical", "Parent=e", "LimitIngress=10M" }, { "Type=proxy", "Listen=tcp:0.0.0.0:1" }, { "Type=proxy", "Listen=tcp:0.0.0.0:1", "Connect=udp:0.0.0.0:1" },
                { "Type=proxy", "Listen=tcp:0.0.0.0:1", "Connect=tcp:0.0.0.0:1", "Mode=0600" }, { "Type=nic", "NicType=host", "MTUBytes=1400" }, { "Type=nic", "IPv4Address=10.0.0.5" },
                { "Type=nic", "NicType=routed" }, { "Type=nic", "NicType=routed", "IPv4Address=10.0.0.5/24" }, { "Type=nic", "NicType=routed", "IPv6Address=fd00::5", "IPv6Gateway=fe80::2" }, { "Type=unix-char" }, { "Type=unix-char", "Source=/dev/a", "Major=1" },
                { "Type=disk", "Path=/" }, { "Type=disk", "Path=/", "Size=1G", "Source=/x" }, { "Type=disk", "Source=tmpfs", "Path=/x", "FileSystem=ext4" },
                { "Type=disk", "Source=/x", "Path=/y", "UID=1000" }, { "Type=disk", "Source=/x", "Path=/y", "SourceUID=1000" }, { "Type=usb" }, { "Type=usb", "ProductID=0002" },
                { "Type=usb", "Source=/dev/sda" }, { "Type=tty" }, { "Type=fuse", "Source=/dev/zero" }, { "Type=gpu", "Path=/dev/x" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_(devices_done) Devices l = {};
                _cleanup_free_ char *error = NULL;

                for (size_t j = 0; j < 4 && cases[i][j]; j++) {
                        _cleanup_free_ char *key = strndup(cases[i][j], strcspn(cases[i][j], "="));

                        ck_assert_int_eq(apply(&l, "dev1", key, strchr(cases[i][j], '=') + 1), 0);
                }
                ck_assert_msg(devices_check(&l, &error) == -EBADMSG, "case %zu", i);
                ck_assert(strstr(error, "'dev1'"));
        }

        {
                _cleanup_(devices_done) Devices l = {};
                _cleanup_free_ char *error = NULL;

                ck_assert_int_eq(apply(&l, "a", "Type", "nic"), 0);
                ck_assert_int_eq(apply(&l, "a", "Name", "eth0"), 0);
                ck_assert_int_eq(apply(&l, "eth0", "Type", "nic"), 0);
                ck_assert_int_eq(devices_check(&l, &error), -EBADMSG);
        }
}
END_TEST

START_TEST(too_many_and_bad_names) {
        _cleanup_(devices_done) Devices l = {};
        char name[32];

        for (unsigned i = 0; i < DEVICES_MAX; i++) {
                snprintf(name, sizeof name, "d%u", i);
                ck_assert_int_eq(apply(&l, name, "Type", "none"), 0);
        }
        ck_assert_int_eq(apply(&l, "more", "Type", "none"), -EINVAL);
        for (const char *const *n = (const char *const[]) { "", "a.b", "a/b", "-a", "_a", "a b", "é", NULL }; *n; n++)
                ck_assert_int_eq(apply(&l, *n, "Type", "none"), -EINVAL);
        ck_assert_int_eq(apply(&l, "d0", "nictype", "p2p"), -ENOENT);
        ck_assert_int_eq(apply(&l, "d0", "Nonsense", "1"), -ENOENT);
}
END_TEST

START_TEST(files) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *text = NULL, *value = NULL;
        char *error = NULL;

        assert_ok(settings_file_parse("t", "[Exec]\nHostname=a\n\n# mine\n[Device eth1]\n# why\nType=nic\nParent=br0\n\n[Unit]\nAfter=x.service\n", &f, &error), error);
        assert_ok(settings_file_set(f, "Device.eth1.parent", "br1", &error), error);
        assert_ok(settings_file_set(f, "Device.eth1.ipv4.address=10.0.0.5/24", NULL, &error), error);
        assert_ok(settings_file_set(f, "Device.data.type", "disk", &error), error);
        assert_ok(settings_file_get(f, "Device.eth1.ipv4.address", &value, &error), error);
        ck_assert_str_eq(value, "10.0.0.5/24");
        ck_assert_int_eq(settings_file_set(f, "Device.eth1.mtu", "1", &error), -EINVAL);
        error = (free(error), NULL);
        ck_assert_int_eq(settings_file_set(f, "Device.eth1", "1", &error), -EINVAL);
        error = (free(error), NULL);
        ck_assert_int_eq(settings_file_set(f, "Device..mtu", "1", &error), -EINVAL);
        error = (free(error), NULL);
        assert_ok(settings_file_check(f, &error), error);
        ck_assert_int_eq(settings_file_print(f, &text), 0);
        ck_assert_str_eq(text, "[Exec]\nHostname=a\n\n# mine\n[Device eth1]\n# why\nType=nic\nParent=br1\nIPv4Address=10.0.0.5/24\n\n[Unit]\nAfter=x.service\n\n[Device data]\nType=disk\n");
        ck_assert(settings_file_has_device(f, "data") && !settings_file_has_device(f, "dat"));

        settings_file_remove_device(f, "data");
        settings_file_remove_device(f, "eth1");
        free(text);
        ck_assert_int_eq(settings_file_print(f, &text), 0);
        ck_assert_str_eq(text, "[Exec]\nHostname=a\n\n# mine\n[Unit]\nAfter=x.service\n");
}
END_TEST

START_TEST(who_may_set) {
        static const struct {
                const char *key, *value;
                int expected;
        } cases[] = {
                { "Device.eth0.Type", "nic", 1 }, { "Device.eth0.Type", "none", 1 }, { "Device.eth0.Type", "disk", 0 }, { "Device.eth0.type", "unix-char", 0 },
                { "Device.eth0.NicType", "bridged", 1 }, { "Device.eth0.NicType", "physical", 0 }, { "Device.eth0.NicType", NULL, 0 },
                { "Device.eth0.parent", "berthbr0", 1 }, { "Device.eth0.parent", "eth0", 0 }, { "Device.eth0.security.mac_filtering", "no", 0 },
                { "Device.eth0.Name", "x", 1 }, { "Device.eth0.MTUBytes", NULL, 1 }, { "Device.eth0.source", "/", 0 }, { "Device.d.SourceUID", "1000", 0 }, { "Device.d.SourceIdentity", NULL, 0 },
                { "Device.d.Type", "usb", 0 }, { "Device.d.Propagation", "shared", 0 }, { "Device.eth0.x", "", -EINVAL }, { "Device.eth0", "", -EINVAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_msg(settings_assignment_is_owner_settable(cases[i].key, cases[i].value) == cases[i].expected, "%s=%s", cases[i].key, cases[i].value ?: "(unset)");
}
END_TEST

START_TEST(names_and_addresses_of_interfaces) {
        char a[16], b[16];
        uint8_t m[6], n[6];

        nic_host_name("web1", "eth0", a);
        ck_assert_str_eq(a, "bv-web1_eth0");
        nic_host_name("a-container-with-a-long-name", "eth0", a);
        nic_host_name("a-container-with-a-long-name", "eth1", b);
        ck_assert_uint_eq(strlen(a), 15);
        ck_assert_str_ne(a, b);
        ck_assert(!strchr(a, '_'));
        nic_host_name("a", "b-c", a);
        nic_host_name("a-b", "c", b);
        ck_assert_str_ne(a, b);

        nic_mac("11111111-2222-3333-4444-555555555555", "eth0", m);
        nic_mac("11111111-2222-3333-4444-555555555555", "eth1", n);
        ck_assert_int_eq(m[0] & 3, 2);
        ck_assert(memcmp(m, n, 6) != 0);
}
END_TEST

/* R20: a subnet that is free, of a nested host, too */
START_TEST(subnets) {
#define NET(a, b, c, d, p) ((BridgeNetwork) { .address = (uint32_t) (a) << 24 | (b) << 16 | (c) << 8 | (d), .prefix = p })
        const BridgeNetwork used[] = { NET(0, 0, 0, 0, 0), NET(10, 5, 7, 1, 24), NET(10, 6, 0, 0, 16), NET(192, 168, 0, 0, 16) };
        BridgeNetwork n;

        ck_assert(!bridge_network_is_free(NET(10, 5, 7, 0, 24), used, ELEMENTSOF(used)));
        ck_assert(!bridge_network_is_free(NET(10, 6, 99, 0, 24), used, ELEMENTSOF(used)));
        ck_assert(bridge_network_is_free(NET(10, 5, 8, 0, 24), used, ELEMENTSOF(used)));
        for (uint64_t seed = 0; seed < 65536; seed += 97) {
                ck_assert_int_eq(bridge_choose_network(seed, used, ELEMENTSOF(used), &n), 0);
                ck_assert_uint_eq(n.address >> 24, 10);
                ck_assert(bridge_network_is_free(n, used, ELEMENTSOF(used)));
        }
        ck_assert_int_eq(bridge_choose_network(5 << 8 | 7, used, ELEMENTSOF(used), &n), 0);
        ck_assert_uint_ne(n.address, NET(10, 5, 7, 0, 24).address);
        ck_assert_int_eq(bridge_choose_network(0, &NET(10, 0, 0, 0, 8), 1, &n), -ENOSPC);
}
END_TEST

static void sysfs(const char *root, const char *path, const char *text) {
        _cleanup_free_ char *file = NULL;
        FILE *f;

        ck_assert(asprintf(&file, "%s/%s", root, path) > 0);
        for (char *slash = file + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
                *slash = 0;
                (void) mkdir(file, 0755);
                *slash = '/';
        }
        f = fopen(file, "we");
        ck_assert_ptr_nonnull(f);
        fprintf(f, "%s\n", text);
        fclose(f);
}

static void find(const char *root, const char *const *assignments, const char *expected) {
        _cleanup_(found_nodes_done) FoundNodes nodes = {};
        _cleanup_(devices_done) Devices l = {};
        _cleanup_free_ char *error = NULL;
        char found[512] = "";

        for (size_t i = 0; assignments[i]; i++) {
                _cleanup_free_ char *key = strndup(assignments[i], strcspn(assignments[i], "="));

                ck_assert_int_eq(apply(&l, "d", key, strchr(assignments[i], '=') + 1), 0);
        }
        assert_ok(devices_check(&l, &error), error);
        ck_assert_int_eq(nodes_find(&l.items[0], root, &nodes, &error), 0);
        for (const char *const *p = (const char *const[]) { "/dev/bus/usb/001/002", "/dev/bus/usb/001/003", "/dev/dri/card0", "/dev/dri/card1", "/dev/dri/renderD128", NULL }; *p; p++)
                for (size_t i = 0; i < nodes.n; i++)
                        if (streq(nodes.items[i].path, *p))
                                snprintf(found + strlen(found), sizeof found - strlen(found), "%s=%u:%u ", *p, major(nodes.items[i].device), minor(nodes.items[i].device));
        ck_assert_str_eq(found, expected);
}

/* The devices of a machine that has more than ours. */
START_TEST(nodes_of_sysfs) {
        char root[] = "/tmp/berth-sysfs-XXXXXX";
        _cleanup_close_ int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char path[128];

        ck_assert_ptr_nonnull(mkdtemp(root));
        for (const char *const *p = (const char *const[]) {
                     "sys/bus/usb/devices/1-1/idVendor", "1d6b", "sys/bus/usb/devices/1-1/idProduct", "0002", "sys/bus/usb/devices/1-1/busnum", "1",
                     "sys/bus/usb/devices/1-1/devnum", "2", "sys/bus/usb/devices/1-1/dev", "189:1",
                     "sys/bus/usb/devices/1-2/idVendor", "1d6b", "sys/bus/usb/devices/1-2/idProduct", "0003", "sys/bus/usb/devices/1-2/busnum", "1",
                     "sys/bus/usb/devices/1-2/devnum", "3", "sys/bus/usb/devices/1-2/dev", "189:2",
                     "sys/bus/usb/devices/1-1:1.0/bInterfaceClass", "03",
                     "sys/devices/0000:00:02.0/vendor", "0x8086", "sys/devices/0000:00:02.0/device", "0x1234",
                     "sys/devices/0000:01:00.0/vendor", "0x10de", "sys/devices/0000:01:00.0/device", "0x1234",
                     "sys/class/drm/card0/dev", "226:0", "sys/class/drm/card1/dev", "226:1", "sys/class/drm/renderD128/dev", "226:128",
                     "sys/class/drm/card0-HDMI-A-1/status", "connected", "sys/class/drm/version", "drm", NULL };
             *p; p += 2)
                sysfs(root, p[0], p[1]);
        for (const char *const *p = (const char *const[]) { "card0", "0000:00:02.0", "renderD128", "0000:00:02.0", "card1", "0000:01:00.0", NULL }; *p; p += 2) {
                char target[64];

                snprintf(path, sizeof path, "%s/sys/class/drm/%s/device", root, p[0]);
                snprintf(target, sizeof target, "../../../devices/%s", p[1]);
                ck_assert_int_eq(symlink(target, path), 0);
        }
        find(root, (const char *const[]) { "Type=usb", "VendorID=1d6b", NULL }, "/dev/bus/usb/001/002=189:1 /dev/bus/usb/001/003=189:2 ");
        find(root, (const char *const[]) { "Type=usb", "VendorID=1D6B", "ProductID=0x0003", NULL }, "/dev/bus/usb/001/003=189:2 ");
        find(root, (const char *const[]) { "Type=usb", "VendorID=1d6c", NULL }, "");
        find(root, (const char *const[]) { "Type=usb", "Source=/dev/bus/usb/001/002", NULL }, "/dev/bus/usb/001/002=189:1 ");
        find(root, (const char *const[]) { "Type=gpu", NULL }, "/dev/dri/card0=226:0 /dev/dri/card1=226:1 /dev/dri/renderD128=226:128 ");
        find(root, (const char *const[]) { "Type=gpu", "PCIAddress=01:00.0", NULL }, "/dev/dri/card1=226:1 ");
        find(root, (const char *const[]) { "Type=gpu", "VendorID=8086", NULL }, "/dev/dri/card0=226:0 /dev/dri/renderD128=226:128 ");
        find("/nonexistent", (const char *const[]) { "Type=gpu", NULL }, "");
        ck_assert_int_eq(path_remove_tree(tmp, strrchr(root, '/') + 1), 0);
}
END_TEST

UNIT_TESTS("device", nodes_of_sysfs, normal_forms, bad_values_of_every_key, rows_are_whole, later_sections_replace, what_does_not_fit_together, too_many_and_bad_names, files,
           who_may_set, names_and_addresses_of_interfaces, subnets)
