/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/nic-routed.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <net/if.h>
#include <netlink/route/neighbour.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/nic-address.h"

static bool has_ipv6(const Device *d) {
        return d->values[DEVICE_IPV6_ADDRESS];
}

static bool has_ipv4(const Device *d) {
        return d->values[DEVICE_IPV4_ADDRESS];
}

/* Of /proc/sys/net and /sys/class/net. A name of an interface has no '/' in it. */
static int read_number(const char *path, unsigned *ret) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        char text[16];
        ssize_t n;

        n = fd < 0 ? -errno : fd_read_all(fd, text, sizeof text - 1);
        if (n < 0)
                return (int) n;
        text[n] = 0;
        *ret = (unsigned) strtoul(text, NULL, 10);
        return 0;
}

static int write_number(int family, const char *interface, const char *what, const char *value) {
        _cleanup_close_ int fd = -EBADF;
        char path[96];

        snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", family == AF_INET ? "ipv4" : "ipv6", interface, what);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd_write_all(fd, value, strlen(value));
}

static int need(int family, const char *interface, const char *what, char **ret_error) {
        const char *ip = family == AF_INET ? "ipv4" : "ipv6";
        unsigned on = 0;
        char path[96];

        snprintf(path, sizeof path, "/proc/sys/net/%s/conf/%s/%s", ip, interface, what);
        if (read_number(path, &on) >= 0 && on > 0)
                return 0;
        return asprintf(ret_error, "the host does not let its addresses be reached over Parent=: 'sysctl net.%s.conf.%s.%s=1' would", ip, interface, what) < 0 ? -ENOMEM : -EIO;
}

int nic_routed_check(const Device *d, unsigned *ret_parent_mtu, char **ret_error) {
        const char *parent = d->values[DEVICE_PARENT];
        char path[64];
        int r = 0;

        if (!parent)
                return 0;
        snprintf(path, sizeof path, "/sys/class/net/%s/mtu", parent);
        if (if_nametoindex(parent) == 0)
                return asprintf(ret_error, "the host has no network interface '%s'", parent) < 0 ? -ENOMEM : -EIO;
        (void) read_number(path, ret_parent_mtu);
        if (has_ipv4(d))
                r = need(AF_INET, parent, "forwarding", ret_error);
        if (r >= 0 && has_ipv6(d))
                r = need(AF_INET6, "all", "forwarding", ret_error);
        /* Of all: one of the interface is not looked at for the questions by which neighbours make sure of each other. */
        return r < 0 || !has_ipv6(d) ? r : need(AF_INET6, "all", "proxy_ndp", ret_error);
}

static int change_answer(struct nl_sock *host, const char *word, int parent, bool add) {
        int family = strchr(word, ':') ? AF_INET6 : AF_INET, r = -NLE_NOMEM;
        struct rtnl_neigh *neigh = rtnl_neigh_alloc();
        struct nl_addr *to = NULL;
        uint8_t bytes[16];
        unsigned prefix;

        if (device_address_parse(family, word, bytes, &prefix) >= 0)
                to = nl_addr_build(family, bytes, family == AF_INET ? 4 : 16);
        if (neigh && to) {
                rtnl_neigh_set_ifindex(neigh, parent);
                rtnl_neigh_set_family(neigh, family);
                rtnl_neigh_set_flags(neigh, NTF_PROXY);
                r = rtnl_neigh_set_dst(neigh, to);
                if (r >= 0)
                        r = add ? rtnl_neigh_add(host, neigh, NLM_F_CREATE | NLM_F_REPLACE) : rtnl_neigh_delete(host, neigh, 0);
        }
        nl_addr_put(to);
        rtnl_neigh_put(neigh);
        return r;
}

typedef struct Walk {
        struct nl_sock *host;
        int index, parent;
        size_t n_answers; /* another container's are not taken away when its address is wanted for a second one */
} Walk;

static int each_address(Walk *w, const Device *d, int (*function)(Walk *w, const char *word, char **ret_error), char **ret_error) {
        for (size_t i = 0; i < 2; i++)
                for (const char *p = d->values[i == 0 ? DEVICE_IPV4_ADDRESS : DEVICE_IPV6_ADDRESS] ?: ""; *p; p += strspn(p, " ")) {
                        size_t n = strcspn(p, " ");
                        char word[64];
                        int r;

                        snprintf(word, sizeof word, "%.*s", (int) n, p);
                        p += n;
                        r = function(w, word, ret_error);
                        if (r < 0)
                                return r;
                }
        return 0;
}

static int lead_to(Walk *w, const char *word, char **ret_error) {
        int r = nic_add_direct_route(w->host, w->index, word);

        if (r == -NLE_EXIST)
                return asprintf(ret_error, "the host has a route to '%s' already", word) < 0 ? -ENOMEM : -EIO;
        if (r < 0)
                return asprintf(ret_error, "cannot make a route to '%s': %s", word, nl_geterror(r)) < 0 ? -ENOMEM : -EIO;
        if (w->parent == 0)
                return 0;
        r = change_answer(w->host, word, w->parent, true);
        w->n_answers += r >= 0;
        return r >= 0 ? 0 : asprintf(ret_error, "the host cannot answer for '%s' on Parent=: %s", word, nl_geterror(r)) < 0 ? -ENOMEM : -EIO;
}

static int stop_answering(Walk *w, const char *word, char **ret_error) {
        if (w->n_answers-- == 0)
                return -ENOENT;
        (void) change_answer(w->host, word, w->parent, false);
        return 0;
}

static int be_gateway(const Walk *w, const char *host_name, const Device *d) {
        int r = 0;

        if (has_ipv4(d)) {
                r = write_number(AF_INET, host_name, "forwarding", "1");
                /* What comes from addresses that the host would not lead here is none of the guest's. */
                if (r >= 0 && device_is_filtered(d, DEVICE_IPV4_FILTERING))
                        r = write_number(AF_INET, host_name, "rp_filter", "1");
                if (r >= 0 && nic_add_address(w->host, w->index, DEVICE_ROUTED_GATEWAY_IPV4 "/32", 0) < 0)
                        r = -EADDRNOTAVAIL;
        }
        if (r >= 0 && has_ipv6(d)) {
                r = write_number(AF_INET6, host_name, "forwarding", "1");
                if (r >= 0 && nic_add_address(w->host, w->index, DEVICE_ROUTED_GATEWAY_IPV6 "/128", IFA_F_NODAD) < 0)
                        r = -EADDRNOTAVAIL;
        }
        return r;
}

int nic_routed_add(struct nl_sock *host, int index, const char *host_name, const Device *d, char **ret_error) {
        Walk w = { .host = host, .index = index };
        int r;

        if (d->values[DEVICE_PARENT]) {
                w.parent = (int) if_nametoindex(d->values[DEVICE_PARENT]);
                if (w.parent == 0)
                        return asprintf(ret_error, "the host has no network interface '%s' any more", d->values[DEVICE_PARENT]) < 0 ? -ENOMEM : -EIO;
        }
        r = be_gateway(&w, host_name, d);
        if (r < 0)
                return asprintf(ret_error, "cannot make '%s' its gateway: %s", host_name, strerror(-r)) < 0 ? -ENOMEM : -EIO;
        r = each_address(&w, d, lead_to, ret_error);
        if (r < 0)
                (void) each_address(&w, d, stop_answering, NULL);
        return r;
}

void nic_routed_remove(struct nl_sock *host, const Device *d) {
        Walk w = { .host = host, .n_answers = SIZE_MAX, .parent = d->values[DEVICE_PARENT] ? (int) if_nametoindex(d->values[DEVICE_PARENT]) : 0 };

        if (w.parent > 0)
                (void) each_address(&w, d, stop_answering, NULL);
}
