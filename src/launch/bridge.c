/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/bridge.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/bridge.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/networkd.h"
#include "launch/nic-address.h"
#include "settings/server.h"

#define STORED "bridge-" BRIDGE_DEFAULT
#define DROP_IN_DIRECTORY "/run/systemd/network/80-" BRIDGE_DEFAULT ".network.d"
#define DROP_IN "50-subnet.conf"
#define NETWORK_PREFIX 24U
#define APPLICATION_ID SD_ID128_MAKE(5e, 2a, 1c, 0f, 4b, 7d, 4a, 3e, 9c, 11, 86, 70, d2, 3b, 98, e4)

bool bridge_network_is_free(BridgeNetwork wanted, const BridgeNetwork *used, size_t n_used) {
        for (size_t i = 0; i < n_used; i++) {
                unsigned prefix = MIN_OF(wanted.prefix, used[i].prefix);
                uint32_t mask = prefix == 0 ? 0 : UINT32_MAX << (32 - prefix);

                /* A default route is no use of a network. */
                if (used[i].prefix > 0 && (wanted.address & mask) == (used[i].address & mask))
                        return false;
        }
        return true;
}

int bridge_choose_network(uint64_t seed, const BridgeNetwork *used, size_t n_used, BridgeNetwork *ret) {
        /* 10.0.0.0/8 in steps of /24; an odd stride comes by all of them. */
        for (uint32_t i = 0; i < 65536; i++) {
                BridgeNetwork n = { .address = UINT32_C(10) << 24 | (((uint32_t) seed + i * 40503U) & 0xffff) << 8, .prefix = NETWORK_PREFIX };

                if (!bridge_network_is_free(n, used, n_used))
                        continue;
                *ret = n;
                return 0;
        }
        return -ENOSPC;
}

typedef struct Used {
        BridgeNetwork *items;
        size_t n;
        bool failed;
} Used;

static void add_used(Used *u, struct nl_addr *a) {
        BridgeNetwork *items;
        uint32_t address;

        if (!a || nl_addr_get_family(a) != AF_INET || nl_addr_get_len(a) != 4)
                return;
        items = reallocarray(u->items, u->n + 1, sizeof *items);
        if (!items) {
                u->failed = true;
                return;
        }
        memcpy(&address, nl_addr_get_binary_addr(a), sizeof address);
        u->items = items;
        u->items[u->n++] = (BridgeNetwork) { .address = ntohl(address), .prefix = nl_addr_get_prefixlen(a) };
}

static void on_address(struct nl_object *o, void *userdata) {
        add_used(userdata, rtnl_addr_get_local((struct rtnl_addr *) o));
}

static void on_route(struct nl_object *o, void *userdata) {
        add_used(userdata, rtnl_route_get_dst((struct rtnl_route *) o));
}

/* What addresses and routes of the host take; of a nested one, that is the network of the outer bridge, too. */
static int collect_used(struct nl_sock *socket, Used *u) {
        struct nl_cache *cache;

        if (rtnl_addr_alloc_cache(socket, &cache) < 0)
                return -EIO;
        nl_cache_foreach(cache, on_address, u);
        nl_cache_free(cache);
        if (rtnl_route_alloc_cache(socket, AF_INET, 0, &cache) < 0)
                return -EIO;
        nl_cache_foreach(cache, on_route, u);
        nl_cache_free(cache);
        return u->failed ? -ENOMEM : 0;
}

/* "10.1.2.0", as it was chosen at an earlier time. */
static int read_stored(int state_fd, BridgeNetwork *ret) {
        _cleanup_free_ char *text = NULL;
        struct in_addr a;
        int r;

        r = path_read(state_fd, STORED, 64, &text, NULL);
        if (r < 0)
                return r;
        text[strcspn(text, "\n")] = 0;
        if (inet_pton(AF_INET, text, &a) != 1)
                return -EBADMSG;
        *ret = (BridgeNetwork) { .address = ntohl(a.s_addr), .prefix = NETWORK_PREFIX };
        return 0;
}

/* What the administrator wants is taken, whatever else is on the host. */
static int read_configured(BridgeNetwork *ret) {
        _cleanup_free_ char *error = NULL;
        ServerSettings s;
        int r;

        (void) server_settings_load("", &s, &error);
        r = server_get_subnet(&s, &ret->address, &ret->prefix);
        server_settings_done(&s);
        return r;
}

static int choose(struct nl_sock *socket, sd_id128_t id, BridgeNetwork *ret) {
        _cleanup_close_ int state = open(BERTH_STATE_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Used used = {};
        BridgeNetwork n;
        char text[32];
        int r;

        if (read_configured(ret) >= 0)
                return 0;
        if (state < 0)
                return -errno;
        r = collect_used(socket, &used);
        if (r >= 0 && (read_stored(state, &n) < 0 || !bridge_network_is_free(n, used.items, used.n))) {
                r = bridge_choose_network(id.qwords[0], used.items, used.n, &n);
                if (r >= 0) {
                        struct in_addr a = { .s_addr = htonl(n.address) };

                        snprintf(text, sizeof text, "%s\n", inet_ntop(AF_INET, &a, (char[INET_ADDRSTRLEN]) {}, INET_ADDRSTRLEN));
                        r = path_write_atomic(state, STORED, text, strlen(text), 0600);
                }
        }
        free(used.items);
        if (r >= 0)
                *ret = n;
        return r;
}

/* The host's name servers, as far as containers can reach them: where another manager keeps the host's network, networkd does not know them.
 * A resolver on the host itself is none of these; systemd-resolved tells networkd whom it asks. */
static void print_name_servers(FILE *f, int family) {
        _cleanup_fclose_ FILE *conf = fopen("/etc/resolv.conf", "re");
        char line[256], word[INET6_ADDRSTRLEN + 1];

        while (conf && fgets(line, sizeof line, conf)) {
                uint8_t a[16];

                if (sscanf(line, "nameserver %46s", word) != 1 || inet_pton(family, word, a) != 1)
                        continue;
                if (family == AF_INET ? a[0] == 127 || a[0] == 0 : IN6_IS_ADDR_LOOPBACK((struct in6_addr *) a) || IN6_IS_ADDR_LINKLOCAL((struct in6_addr *) a))
                        continue;
                fprintf(f, "DNS=%s\n", word);
        }
}

/* Tells networkd the subnet. IPv6: a network of RFC 4193, the same for as long as the machine keeps its id. */
static int write_subnet(BridgeNetwork n, sd_id128_t id, bool knows_network) {
        _cleanup_free_ char *text = NULL;
        _cleanup_close_ int dir = -EBADF;
        char address[INET_ADDRSTRLEN], prefix[64];
        struct in_addr a = { .s_addr = htonl(n.address | 1) };
        size_t size;
        FILE *f;

        for (const char *const *d = (const char *const[]) { "/run/systemd", "/run/systemd/network", DROP_IN_DIRECTORY, NULL }; *d; d++)
                if (mkdir(*d, 0755) < 0 && errno != EEXIST)
                        return -errno;
        dir = open(DROP_IN_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || fchmod(dir, 0755) < 0)
                return -errno;
        snprintf(prefix, sizeof prefix, "fd%02x:%02x%02x:%02x%02x:0:", id.bytes[0], id.bytes[1], id.bytes[2], id.bytes[3], id.bytes[4]);
        (void) inet_ntop(AF_INET, &a, address, sizeof address);
        f = open_memstream(&text, &size);
        if (!f)
                return -errno;
        fprintf(f,
                "# Written by berth when the bridge was made: a network that was free. To choose another, make\n"
                "# /etc/systemd/network/80-" BRIDGE_DEFAULT ".network.d/90-subnet.conf.\n"
                "[Network]\nAddress=%s/%u\nAddress=%s:1/64\n\n[IPv6Prefix]\nPrefix=%s:/64\n", address, n.prefix, prefix, prefix);
        if (!knows_network) {
                fputs("\n[DHCPServer]\n", f);
                print_name_servers(f, AF_INET);
                fputs("\n[IPv6SendRA]\n", f);
                print_name_servers(f, AF_INET6);
        }
        if (fclose(f) != 0)
                return -ENOMEM;
        return path_write_atomic(dir, DROP_IN, text, size, 0644);
}

/* An address of its own: it would change with its ports otherwise. */
static int make_link(struct nl_sock *socket, sd_id128_t id) {
        const uint8_t mac[6] = { (uint8_t) ((id.bytes[8] & 0xfc) | 0x02), id.bytes[9], id.bytes[10], id.bytes[11], id.bytes[12], id.bytes[13] };
        struct rtnl_link *link = rtnl_link_bridge_alloc();
        struct nl_addr *address = nl_addr_build(AF_LLC, mac, sizeof mac);
        int r;

        if (!link || !address) {
                rtnl_link_put(link);
                nl_addr_put(address);
                return -NLE_NOMEM;
        }
        rtnl_link_set_name(link, BRIDGE_DEFAULT);
        rtnl_link_set_addr(link, address);
        nl_addr_put(address);
        r = rtnl_link_add(socket, link, NLM_F_CREATE | NLM_F_EXCL);
        rtnl_link_put(link);
        return r == -NLE_EXIST ? 0 : r;
}

static int find(struct nl_sock *socket) {
        struct rtnl_link *link;
        int index;

        if (rtnl_link_get_kernel(socket, 0, BRIDGE_DEFAULT, &link) < 0)
                return 0;
        index = rtnl_link_get_ifindex(link);
        rtnl_link_put(link);
        return index;
}

/* Nobody else does: containers reach the host then, and each other, by addresses that their settings give them. */
static int give_address(struct nl_sock *socket, BridgeNetwork n) {
        struct rtnl_link *link = rtnl_link_alloc(), *change = rtnl_link_alloc();
        struct in_addr a = { .s_addr = htonl(n.address | 1) };
        char address[INET_ADDRSTRLEN], text[INET_ADDRSTRLEN + 4];
        int index = find(socket), r = -NLE_NOMEM;

        (void) inet_ntop(AF_INET, &a, address, sizeof address);
        snprintf(text, sizeof text, "%s/%u", address, n.prefix);
        if (link && change) {
                rtnl_link_set_ifindex(link, index);
                rtnl_link_set_flags(change, IFF_UP);
                r = rtnl_link_change(socket, link, change, 0);
        }
        rtnl_link_put(link);
        rtnl_link_put(change);
        return r < 0 ? r : nic_add_address(socket, index, text, 0);
}

/* networkd, or else ourselves. That nobody gives addresses is no reason not to start: who needs none, or has one in its settings, misses nothing. */
static int bring_up(struct nl_sock *socket, BridgeNetwork n, sd_id128_t id, char **ret_error) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_free_ char *reason = NULL;
        bool runs = false;
        int r, k;

        k = networkd_open(&bus, &runs);
        if (k >= 0)
                k = write_subnet(n, id, runs);
        if (k >= 0) {
                nic_keep_hosts_routers();
                k = networkd_bring_in(bus, runs, &reason);
        }
        r = make_link(socket, id);
        if (r == -NLE_OPNOTSUPP)
                return asprintf(ret_error, "cannot make the bridge '%s': the kernel has none (module 'bridge')", BRIDGE_DEFAULT) < 0 ? -ENOMEM : -EIO;
        if (r < 0)
                return asprintf(ret_error, "cannot make the bridge '%s': %s", BRIDGE_DEFAULT, nl_geterror(r)) < 0 ? -ENOMEM : -EIO;
        nic_refuse_routers(BRIDGE_DEFAULT);
        if (k >= 0)
                return 0;
        r = give_address(socket, n);
        if (r < 0)
                return asprintf(ret_error, "cannot give the bridge '%s' its address: %s", BRIDGE_DEFAULT, nl_geterror(r)) < 0 ? -ENOMEM : -EIO;
        log_warning("Nobody gives addresses to containers on the bridge '%s': %s. Start systemd-networkd, run a DHCP server there, or set IPv4Address= and "
                    "IPv4Gateway= of their interfaces; the bridge itself has %u.%u.%u.1/%u", BRIDGE_DEFAULT, reason ?: strerror(-k),
                    n.address >> 24, n.address >> 16 & 0xff, n.address >> 8 & 0xff, n.prefix);
        return 0;
}

int bridge_need(struct nl_sock *socket, char **ret_error) {
        _cleanup_close_ int lock = -EBADF;
        BridgeNetwork n = {};
        sd_id128_t id;
        int r;

        if (find(socket) > 0)
                return 0;

        /* When a host boots, many want it at once. */
        lock = open(BERTH_RUNTIME_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (lock < 0 || flock(lock, LOCK_EX) < 0)
                return asprintf(ret_error, "cannot lock the bridge: %s", strerror(errno)) < 0 ? -ENOMEM : -EIO;
        if (find(socket) > 0)
                return 0;

        r = sd_id128_get_machine_app_specific(APPLICATION_ID, &id);
        if (r < 0)
                r = sd_id128_randomize(&id);
        if (r >= 0)
                r = choose(socket, id, &n);
        if (r < 0)
                return asprintf(ret_error, "cannot find a network for the bridge '%s': %s", BRIDGE_DEFAULT, strerror(-r)) < 0 ? -ENOMEM : -EIO;
        return bring_up(socket, n, id, ret_error);
}
