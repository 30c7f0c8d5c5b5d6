/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull/address.h"

#include <netinet/in.h>
#include <string.h>

static AddressReach reach_of_ipv4(uint32_t a) {
        static const struct {
                uint32_t network;
                unsigned prefix;
                AddressReach reach;
        } networks[] = {
                { 0x00000000, 8, ADDRESS_LOOPBACK }, /* 0.0.0.0 is this host for connect(2) */
                { 0x7f000000, 8, ADDRESS_LOOPBACK },
                { 0xa9fe0000, 16, ADDRESS_LINK_LOCAL },
                { 0x0a000000, 8, ADDRESS_PRIVATE },
                { 0xac100000, 12, ADDRESS_PRIVATE },
                { 0xc0a80000, 16, ADDRESS_PRIVATE },
                { 0x64400000, 10, ADDRESS_PRIVATE },
                { 0xe0000000, 3, ADDRESS_NO_HOST },
        };

        for (size_t i = 0; i < ELEMENTSOF(networks); i++)
                if ((a ^ networks[i].network) >> (32 - networks[i].prefix) == 0)
                        return networks[i].reach;
        return ADDRESS_PUBLIC;
}

static uint32_t ipv4_at(const uint8_t *b) {
        return (uint32_t) b[0] << 24 | (uint32_t) b[1] << 16 | (uint32_t) b[2] << 8 | b[3];
}

static AddressReach reach_of_ipv6(const struct in6_addr *a) {
        static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
        const uint8_t *b = a->s6_addr;

        if (IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_UNSPECIFIED(a))
                return ADDRESS_LOOPBACK;
        /* The same host by another name. */
        if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a) || memcmp(b, nat64, sizeof nat64) == 0)
                return reach_of_ipv4(ipv4_at(b + 12));
        if (b[0] == 0x20 && b[1] == 0x02)
                return reach_of_ipv4(ipv4_at(b + 2));
        if (IN6_IS_ADDR_LINKLOCAL(a))
                return ADDRESS_LINK_LOCAL;
        if (IN6_IS_ADDR_SITELOCAL(a) || (b[0] & 0xfe) == 0xfc)
                return ADDRESS_PRIVATE;
        return IN6_IS_ADDR_MULTICAST(a) ? ADDRESS_NO_HOST : ADDRESS_PUBLIC;
}

AddressReach address_reach(const struct sockaddr *sa, socklen_t size) {
        struct sockaddr_in6 in6;
        struct sockaddr_in in;

        /* Copied, because a sockaddr in a library's structure need not be aligned for these. */
        if (sa->sa_family == AF_INET && size >= sizeof in) {
                memcpy(&in, sa, sizeof in);
                return reach_of_ipv4(ntohl(in.sin_addr.s_addr));
        }
        if (sa->sa_family == AF_INET6 && size >= sizeof in6) {
                memcpy(&in6, sa, sizeof in6);
                return reach_of_ipv6(&in6.sin6_addr);
        }
        return ADDRESS_NO_HOST;
}

const char *address_reach_to_string(AddressReach reach) {
        static const char *const strings[] = {
                [ADDRESS_PUBLIC] = "public",
                [ADDRESS_PRIVATE] = "of a private network",
                [ADDRESS_LINK_LOCAL] = "link-local",
                [ADDRESS_LOOPBACK] = "this host itself",
                [ADDRESS_NO_HOST] = "none of a host",
        };

        return strings[reach];
}
