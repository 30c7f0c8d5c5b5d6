/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/nic.h"

#include <assert.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/macvlan.h>
#include <netlink/route/link/veth.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/bridge.h"
#include "launch/filter.h"
#include "launch/nic-address.h"
#include "launch/nic-routed.h"

static struct nl_sock *socket_free(struct nl_sock *s) {
        nl_socket_free(s);
        return NULL;
}
DEFINE_CLEANUP(struct nl_sock *, socket_free)

static struct rtnl_link *link_put(struct rtnl_link *l) {
        rtnl_link_put(l);
        return NULL;
}
DEFINE_CLEANUP(struct rtnl_link *, link_put)

static struct nl_addr *addr_put(struct nl_addr *a) {
        nl_addr_put(a);
        return NULL;
}
DEFINE_CLEANUP(struct nl_addr *, addr_put)

static int fail(char **ret_error, const char *format, ...) _printf_(2, 3);
static int fail(char **ret_error, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(ret_error, format, ap);
        va_end(ap);
        if (r < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return -EIO;
}

/* The device may be one that a profile gives, and that nobody has asked for. */
static int fail_with_way_out(const NicContext *c, const Device *d, const char *reason, char **ret_error) {
        return fail(ret_error, "%s; to go without: 'berthctl device set %s %s type=none', or --no-profiles when one is created", reason, c->container, d->name);
}

/* A socket belongs to the namespace it was made in for as long as it lives. */
static int open_socket(int netns_fd, int home_fd, struct nl_sock **ret) {
        _cleanup_(socket_freep) struct nl_sock *s = nl_socket_alloc();
        int r;

        if (!s)
                return -ENOMEM;
        if (netns_fd >= 0 && setns(netns_fd, CLONE_NEWNET) < 0)
                return -errno;
        r = nl_connect(s, NETLINK_ROUTE) < 0 ? -EIO : 0;
        /* Where we are must not be left open: what comes next would be done to the wrong namespace. */
        if (netns_fd >= 0 && setns(home_fd, CLONE_NEWNET) < 0)
                abort();
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

/* FNV-1a. What is hashed begins with a random UUID: nobody chooses collisions. */
static uint64_t hash(const char *a, const char *b) {
        uint64_t h = UINT64_C(14695981039346656037);

        for (const char *const *s = (const char *const[]) { a, "/", b, NULL }; *s; s++)
                for (const char *p = *s; *p; p++)
                        h = (h ^ (uint8_t) *p) * UINT64_C(1099511628211);
        /* Its low bits are better than its high ones. */
        return h ^ h >> 29;
}

void nic_host_name(const char *container, const char *device, char ret[static 16]) {
        /* No name of a container has '_' in it, and no hash: each of the two forms is unique, and they never meet. */
        if (strlen(container) + strlen(device) <= 11)
                (void) stpcpy(stpcpy(stpcpy(stpcpy(ret, "bv-"), container), "_"), device);
        else
                snprintf(ret, 16, "bv-%012llx", (unsigned long long) (hash(container, device) & UINT64_C(0xffffffffffff)));
}

void nic_mac(const char *uuid, const char *device, uint8_t ret[static 6]) {
        uint64_t h = hash(uuid ?: "", device);

        for (size_t i = 0; i < 6; i++)
                ret[i] = (uint8_t) (h >> (8 * i));
        ret[0] = (uint8_t) ((ret[0] & 0xfc) | 0x02); /* locally administered, of one interface */
}

static int set_mac(struct rtnl_link *link, const uint8_t mac[static 6]) {
        _cleanup_(addr_putp) struct nl_addr *a = nl_addr_build(AF_LLC, mac, 6);

        if (!a)
                return -ENOMEM;
        rtnl_link_set_addr(link, a);
        return 0;
}

static void get_mac(const Device *d, const NicContext *c, uint8_t ret[static 6]) {
        if (!d->values[DEVICE_MAC_ADDRESS] || device_mac_parse(d->values[DEVICE_MAC_ADDRESS], ret) < 0)
                nic_mac(c->uuid, d->name, ret);
}

static unsigned get_mtu(const Device *d) {
        return d->values[DEVICE_MTU] ? (unsigned) strtoul(d->values[DEVICE_MTU], NULL, 10) : 0;
}

static int find_parent(struct nl_sock *host, const char *name, const char *type, struct rtnl_link **ret, char **ret_error) {
        _cleanup_(link_putp) struct rtnl_link *link = NULL;
        int r;

        r = rtnl_link_get_kernel(host, 0, name, &link);
        if (r < 0)
                return fail(ret_error, "the host has no network interface '%s'", name);
        if (type && !streq_ptr(rtnl_link_get_type(link), type))
                return fail(ret_error, "the host's network interface '%s' is no %s", name, type);
        *ret = TAKE_PTR(link);
        return 0;
}

/* What an earlier run left: the kernel takes a dead container's namespace apart in its own time, and this end goes with it. */
static void remove_stale(struct nl_sock *host, const char *name) {
        _cleanup_(link_putp) struct rtnl_link *link = NULL;

        if (rtnl_link_get_kernel(host, 0, name, &link) >= 0 && streq_ptr(rtnl_link_get_type(link), "veth"))
                (void) rtnl_link_delete(host, link);
}

static int add_veth_once(struct nl_sock *host, const NicContext *c, const Device *d, int master, unsigned mtu, const char *host_name) {
        _cleanup_(link_putp) struct rtnl_link *link = rtnl_link_veth_alloc(), *peer = NULL;
        uint8_t mac[6];

        if (!link)
                return -NLE_NOMEM;
        peer = rtnl_link_veth_get_peer(link);
        if (!peer)
                return -NLE_NOMEM;
        get_mac(d, c, mac);
        rtnl_link_set_name(peer, device_interface(d));
        rtnl_link_set_ns_fd(peer, c->guest_netns_fd);
        if (set_mac(peer, mac) < 0)
                return -NLE_NOMEM;
        /* A bridge without an address of its own takes the smallest of its ports': this one should not be it. Nor the container's, which may begin with
         * this, too: what is sent to the address of a port is the bridge's own, and never gets to who has the same behind it. */
        mac[1] ^= mac[0] == 0xfe ? 0xff : 0;
        mac[0] = 0xfe;
        rtnl_link_set_name(link, host_name);
        if (set_mac(link, mac) < 0)
                return -NLE_NOMEM;
        if (mtu > 0) {
                rtnl_link_set_mtu(link, mtu);
                rtnl_link_set_mtu(peer, mtu);
        }
        if (master > 0)
                rtnl_link_set_master(link, master);
        rtnl_link_set_flags(link, IFF_UP);
        return rtnl_link_add(host, link, NLM_F_CREATE | NLM_F_EXCL);
}

static int add_veth(struct nl_sock *host, const NicContext *c, const Device *d, Nic *nic, char **ret_error) {
        _cleanup_(link_putp) struct rtnl_link *made = NULL;
        unsigned mtu = get_mtu(d), parent_mtu = 0;
        int r, master = 0;

        if (streq(device_get(d, DEVICE_NICTYPE), "bridged")) {
                const char *parent = d->values[DEVICE_PARENT] ?: BRIDGE_DEFAULT;
                _cleanup_(link_putp) struct rtnl_link *bridge = NULL;

                if (streq(parent, BRIDGE_DEFAULT)) {
                        _cleanup_free_ char *error = NULL;

                        r = bridge_need(host, &error);
                        if (r < 0)
                                return fail_with_way_out(c, d, error ?: strerror(-r), ret_error);
                }
                r = find_parent(host, parent, "bridge", &bridge, ret_error);
                if (r < 0)
                        return r;
                master = rtnl_link_get_ifindex(bridge);
                mtu = mtu ?: rtnl_link_get_mtu(bridge);
        }
        if (device_is_routed(d)) {
                r = nic_routed_check(d, &parent_mtu, ret_error);
                if (r < 0)
                        return r;
                mtu = mtu ?: parent_mtu;
        }
        if (d->values[DEVICE_HOST_NAME])
                snprintf(nic->host_name, sizeof nic->host_name, "%s", d->values[DEVICE_HOST_NAME]);
        else
                nic_host_name(c->container, d->name, nic->host_name);

        r = add_veth_once(host, c, d, master, mtu, nic->host_name);
        if (r == -NLE_EXIST && !d->values[DEVICE_HOST_NAME]) {
                remove_stale(host, nic->host_name);
                r = add_veth_once(host, c, d, master, mtu, nic->host_name);
        }
        if (r == -NLE_OPNOTSUPP)
                return fail_with_way_out(c, d, "the kernel has no pairs of interfaces (module 'veth')", ret_error);
        if (r < 0)
                return fail(ret_error, "cannot make the pair '%s' and '%s': %s", nic->host_name, device_interface(d), nl_geterror(r));
        if (rtnl_link_get_kernel(host, 0, nic->host_name, &made) < 0)
                return fail(ret_error, "'%s' went away", nic->host_name);
        nic->host_index = rtnl_link_get_ifindex(made);
        if (filter_is_left(nic->host_name))
                filter_remove(nic->host_name, NULL);
        if (master == 0)
                nic_refuse_routers(nic->host_name);
        if (filter_wanted(d)) {
                uint8_t mac[6];

                get_mac(d, c, mac);
                r = filter_apply(nic->host_name, d, mac, ret_error);
                if (r < 0) {
                        (void) rtnl_link_delete(host, made);
                        return r;
                }
        }
        if (!device_is_routed(d))
                return 0;
        r = nic_routed_add(host, nic->host_index, nic->host_name, d, ret_error);
        if (r < 0) {
                if (filter_wanted(d))
                        filter_remove(nic->host_name, d);
                (void) rtnl_link_delete(host, made);
        }
        return r;
}

static int add_macvlan(struct nl_sock *host, const NicContext *c, const Device *d, Nic *nic, char **ret_error) {
        _cleanup_(link_putp) struct rtnl_link *parent = NULL, *link = NULL;
        uint8_t mac[6];
        int r;

        r = find_parent(host, d->values[DEVICE_PARENT], NULL, &parent, ret_error);
        if (r < 0)
                return r;
        link = rtnl_link_macvlan_alloc();
        if (!link)
                return -ENOMEM;
        get_mac(d, c, mac);
        rtnl_link_set_name(link, device_interface(d));
        rtnl_link_set_link(link, rtnl_link_get_ifindex(parent));
        rtnl_link_set_ns_fd(link, c->guest_netns_fd);
        (void) rtnl_link_macvlan_set_mode(link, rtnl_link_macvlan_str2mode("bridge"));
        if (get_mtu(d) > 0)
                rtnl_link_set_mtu(link, get_mtu(d));
        r = set_mac(link, mac);
        if (r < 0)
                return r;
        r = rtnl_link_add(host, link, NLM_F_CREATE | NLM_F_EXCL);
        return r < 0 ? fail(ret_error, "cannot make it on top of '%s': %s", d->values[DEVICE_PARENT], nl_geterror(r)) : 0;
}

/* Into another namespace, under another name, down. */
static int move_link(struct nl_sock *s, int index, int netns_fd, const char *name, const uint8_t *mac, unsigned mtu) {
        _cleanup_(link_putp) struct rtnl_link *old = NULL, *change = rtnl_link_alloc();
        int r;

        if (!change)
                return -NLE_NOMEM;
        r = rtnl_link_get_kernel(s, index, NULL, &old);
        if (r < 0)
                return r;
        if (mac && set_mac(change, mac) < 0)
                return -NLE_NOMEM;
        if (mtu > 0)
                rtnl_link_set_mtu(change, mtu);
        rtnl_link_unset_flags(change, IFF_UP);
        rtnl_link_set_ns_fd(change, netns_fd);
        rtnl_link_set_name(change, name);
        return rtnl_link_change(s, old, change, 0);
}

static int add_physical(struct nl_sock *host, const NicContext *c, const Device *d, Nic *nic, char **ret_error) {
        _cleanup_(link_putp) struct rtnl_link *parent = NULL;
        struct nl_addr *old;
        uint8_t mac[6];
        int r;

        r = find_parent(host, d->values[DEVICE_PARENT], NULL, &parent, ret_error);
        if (r < 0)
                return r;
        old = rtnl_link_get_addr(parent);
        if (old && nl_addr_get_len(old) == 6)
                memcpy(nic->old_mac, nl_addr_get_binary_addr(old), 6);
        snprintf(nic->host_name, sizeof nic->host_name, "%s", d->values[DEVICE_PARENT]);
        if (d->values[DEVICE_MAC_ADDRESS])
                get_mac(d, c, mac);
        r = move_link(host, rtnl_link_get_ifindex(parent), c->guest_netns_fd, device_interface(d), d->values[DEVICE_MAC_ADDRESS] ? mac : NULL, get_mtu(d));
        return r < 0 ? fail(ret_error, "cannot move '%s' into the container: %s", d->values[DEVICE_PARENT], nl_geterror(r)) : 0;
}

static const struct {
        const char *kind;
        int (*add)(struct nl_sock *host, const NicContext *c, const Device *d, Nic *nic, char **ret_error);
} kinds[] = {
        { "bridged", add_veth }, { "p2p", add_veth }, { "routed", add_veth }, { "macvlan", add_macvlan }, { "physical", add_physical },
};

/* Up, with its addresses. It is still called as we called it: who could change that has only just been shown it. */
static int configure(struct nl_sock *guest, const Device *d, Nic *nic, char **ret_error) {
        _cleanup_(link_putp) struct rtnl_link *link = NULL, *change = rtnl_link_alloc();
        int r;

        if (!change)
                return -ENOMEM;
        r = rtnl_link_get_kernel(guest, 0, device_interface(d), &link);
        if (r < 0)
                return fail(ret_error, "it is not called '%s' in the container any more", device_interface(d));
        nic->guest_index = rtnl_link_get_ifindex(link);
        rtnl_link_set_flags(change, IFF_UP);
        r = rtnl_link_change(guest, link, change, 0);
        if (r < 0)
                return fail(ret_error, "cannot bring it up: %s", nl_geterror(r));
        return nic_configure_addresses(guest, nic->guest_index, d, ret_error);
}

int nic_add(const NicContext *c, const Device *d, Nic *ret, char **ret_error) {
        _cleanup_(socket_freep) struct nl_sock *host = NULL, *guest = NULL;
        const char *kind = device_get(d, DEVICE_NICTYPE);
        Nic nic = {};
        int r = -EINVAL;

        assert(c && d && ret && ret_error);

        if (open_socket(-EBADF, -EBADF, &host) < 0 || open_socket(c->guest_netns_fd, c->host_netns_fd, &guest) < 0)
                return fail(ret_error, "cannot speak with the kernel: %s", strerror(errno));
        for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
                if (streq(kinds[i].kind, kind))
                        r = kinds[i].add(host, c, d, &nic, ret_error);
        if (r < 0)
                return r;
        r = configure(guest, d, &nic, ret_error);
        if (r < 0) {
                _cleanup_free_ char *ignored = NULL;

                (void) nic_remove(c, d, &nic, &ignored);
                return r;
        }
        *ret = nic;
        return 0;
}

static int remove_index(struct nl_sock *s, int index) {
        _cleanup_(link_putp) struct rtnl_link *link = rtnl_link_alloc();
        int r;

        if (!link)
                return -NLE_NOMEM;
        rtnl_link_set_ifindex(link, index);
        r = rtnl_link_delete(s, link);
        return r == -NLE_NODEV || r == -NLE_OBJ_NOTFOUND ? 0 : r;
}

int nic_remove(const NicContext *c, const Device *d, const Nic *nic, char **ret_error) {
        _cleanup_(socket_freep) struct nl_sock *s = NULL;
        bool physical = streq(device_get(d, DEVICE_NICTYPE), "physical");
        static const uint8_t none[6];
        int r;

        r = nic->host_index > 0 ? open_socket(-EBADF, -EBADF, &s) : open_socket(c->guest_netns_fd, c->host_netns_fd, &s);
        if (r < 0)
                return fail(ret_error, "cannot speak with the kernel: %s", strerror(-r));
        if (filter_wanted(d))
                filter_remove(nic->host_name, d);
        if (device_is_routed(d))
                nic_routed_remove(s, d);
        if (physical)
                r = move_link(s, nic->guest_index, c->host_netns_fd, nic->host_name, d->values[DEVICE_MAC_ADDRESS] && memcmp(nic->old_mac, none, 6) != 0 ? nic->old_mac : NULL, 0);
        else
                r = remove_index(s, nic->host_index ?: nic->guest_index);
        return r < 0 ? fail(ret_error, "cannot take it away: %s", nl_geterror(r)) : 0;
}
