/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/nic-address.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <netlink/route/addr.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"

static struct nl_addr *addr_put(struct nl_addr *a) {
        nl_addr_put(a);
        return NULL;
}
DEFINE_CLEANUP(struct nl_addr *, addr_put)

static struct rtnl_addr *address_put(struct rtnl_addr *a) {
        rtnl_addr_put(a);
        return NULL;
}
DEFINE_CLEANUP(struct rtnl_addr *, address_put)

static struct rtnl_route *route_put(struct rtnl_route *l) {
        rtnl_route_put(l);
        return NULL;
}
DEFINE_CLEANUP(struct rtnl_route *, route_put)

static int family_of(const char *text) {
        return strchr(text, ':') ? AF_INET6 : AF_INET;
}

static int make_addr(const char *text, struct nl_addr **ret) {
        int family = family_of(text);
        struct nl_addr *a;
        uint8_t bytes[16];
        unsigned prefix;
        int r;

        r = device_address_parse(family, text, bytes, &prefix);
        if (r < 0)
                return -NLE_INVAL;
        a = nl_addr_build(family, bytes, family == AF_INET ? 4 : 16);
        if (!a)
                return -NLE_NOMEM;
        nl_addr_set_prefixlen(a, (int) prefix);
        *ret = a;
        return 0;
}

int nic_add_address(struct nl_sock *socket, int index, const char *text, unsigned flags) {
        _cleanup_(address_putp) struct rtnl_addr *address = rtnl_addr_alloc();
        _cleanup_(addr_putp) struct nl_addr *local = NULL, *broadcast = NULL;
        uint8_t bytes[16];
        unsigned prefix;
        int r;

        if (!address)
                return -NLE_NOMEM;
        r = make_addr(text, &local);
        if (r < 0)
                return r;
        rtnl_addr_set_ifindex(address, index);
        rtnl_addr_set_flags(address, flags);
        r = rtnl_addr_set_local(address, local);
        if (r < 0)
                return r;
        if (family_of(text) == AF_INET && device_address_parse(AF_INET, text, bytes, &prefix) >= 0 && prefix > 0 && prefix < 31) {
                uint32_t all;

                memcpy(&all, bytes, sizeof all);
                all |= htonl(UINT32_MAX >> prefix);
                broadcast = nl_addr_build(AF_INET, &all, sizeof all);
                if (!broadcast)
                        return -NLE_NOMEM;
                r = rtnl_addr_set_broadcast(address, broadcast);
                if (r < 0)
                        return r;
        }
        return rtnl_addr_add(socket, address, 0);
}

/* to "" is everything; gateway NULL: on the link itself. */
static int add_route(struct nl_sock *socket, int index, const char *to, const char *gateway, int flags) {
        _cleanup_(route_putp) struct rtnl_route *route = rtnl_route_alloc();
        _cleanup_(addr_putp) struct nl_addr *destination = NULL, *via = NULL;
        struct rtnl_nexthop *hop;
        int r;

        if (!route)
                return -NLE_NOMEM;
        r = make_addr(*to ? to : family_of(gateway) == AF_INET ? "0.0.0.0/0" : "::/0", &destination);
        if (r < 0)
                return r;
        rtnl_route_set_family(route, (uint8_t) nl_addr_get_family(destination));
        rtnl_route_set_protocol(route, RTPROT_STATIC);
        rtnl_route_set_scope(route, gateway || family_of(to) == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK);
        r = rtnl_route_set_dst(route, destination);
        if (r < 0)
                return r;
        hop = rtnl_route_nh_alloc();
        if (!hop)
                return -NLE_NOMEM;
        rtnl_route_nh_set_ifindex(hop, index);
        /* The route owns the hop from here on. */
        rtnl_route_add_nexthop(route, hop);
        if (gateway) {
                r = make_addr(gateway, &via);
                if (r < 0)
                        return r;
                rtnl_route_nh_set_gateway(hop, via);
                /* Whether an address says so or not. */
                rtnl_route_nh_set_flags(hop, RTNH_F_ONLINK);
        }
        return rtnl_route_add(socket, route, NLM_F_CREATE | flags);
}

int nic_add_direct_route(struct nl_sock *socket, int index, const char *to) {
        return add_route(socket, index, to, NULL, NLM_F_EXCL);
}

static int each_word(struct nl_sock *socket, int index, const char *text, int (*function)(struct nl_sock *, int, const char *, const Device *), const Device *d,
                     char **ret_error) {
        for (const char *p = text ?: ""; *p; p += strspn(p, " ")) {
                size_t n = strcspn(p, " ");
                char word[128];
                int r;

                snprintf(word, sizeof word, "%.*s", (int) n, p);
                p += n;
                r = function(socket, index, word, d);
                if (r < 0)
                        return asprintf(ret_error, "cannot give it '%s': %s", word, nl_geterror(r)) < 0 ? -ENOMEM : -EIO;
        }
        return 0;
}

/* Nobody else can be on a link with two ends, and who waits to be sure of that is not reached meanwhile. */
static int word_address(struct nl_sock *socket, int index, const char *word, const Device *d) {
        return nic_add_address(socket, index, word, device_is_routed(d) && family_of(word) == AF_INET6 ? IFA_F_NODAD : 0);
}

static int word_gateway(struct nl_sock *socket, int index, const char *word, const Device *d) {
        return add_route(socket, index, "", word, NLM_F_REPLACE);
}

static int word_route(struct nl_sock *socket, int index, const char *word, const Device *d) {
        return add_route(socket, index, word, device_gateway(d, family_of(word)), NLM_F_REPLACE);
}

int nic_configure_addresses(struct nl_sock *socket, int index, const Device *d, char **ret_error) {
        const struct {
                const char *text;
                int (*function)(struct nl_sock *, int, const char *, const Device *);
        } steps[] = {
                { d->values[DEVICE_IPV4_ADDRESS], word_address }, { d->values[DEVICE_IPV6_ADDRESS], word_address }, { device_gateway(d, AF_INET), word_gateway },
                { device_gateway(d, AF_INET6), word_gateway }, { d->values[DEVICE_ROUTES], word_route },
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                r = each_word(socket, index, steps[i].text, steps[i].function, d, ret_error);
                if (r < 0)
                        return r;
        }
        return 0;
}

#define CONF "/proc/sys/net/ipv6/conf"

static int read_digit(const char *interface, const char *what) {
        _cleanup_close_ int fd = -EBADF;
        char path[300], c;

        snprintf(path, sizeof path, CONF "/%s/%s", interface, what);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd >= 0 && read(fd, &c, 1) == 1 ? c - '0' : -EIO;
}

static void write_accept_ra(const char *interface, const char *value) {
        _cleanup_close_ int fd = -EBADF;
        char path[300];

        snprintf(path, sizeof path, CONF "/%s/accept_ra", interface);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        /* Without IPv6 there are none. */
        if (fd >= 0)
                (void) fd_write_all(fd, value, 1);
}

void nic_refuse_routers(const char *interface) {
        write_accept_ra(interface, "0");
}

void nic_keep_hosts_routers(void) {
        struct dirent *de;
        DIR *d = opendir(CONF);

        while (d && (de = readdir(d)))
                if (de->d_name[0] != '.' && !streq(de->d_name, "all") && !streq(de->d_name, "default") && !startswith(de->d_name, "bv-") &&
                    read_digit(de->d_name, "accept_ra") == 1 && read_digit(de->d_name, "forwarding") == 0)
                        write_accept_ra(de->d_name, "2");
        if (d)
                (void) closedir(d);
}
