/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/listen-try.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "basic/fd.h"

typedef union SocketAddress {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
} SocketAddress;

static socklen_t parse(const char *address, SocketAddress *a) {
        char host[INET6_ADDRSTRLEN + 2];
        const char *colon = strrchr(address, ':');

        if (address[0] == '@') {
                a->un.sun_family = AF_UNIX;
                memcpy(a->un.sun_path + 1, address + 1, strlen(address + 1));
                return (socklen_t) (offsetof(struct sockaddr_un, sun_path) + strlen(address));
        }
        if (address[0] == '[') {
                a->in6.sin6_family = AF_INET6;
                a->in6.sin6_port = htons((uint16_t) strtoul(colon + 1, NULL, 10));
                snprintf(host, sizeof host, "%.*s", (int) (colon - address - 2), address + 1);
                (void) inet_pton(AF_INET6, host, &a->in6.sin6_addr);
                return sizeof a->in6;
        }
        a->in.sin_family = AF_INET;
        a->in.sin_port = htons((uint16_t) strtoul(colon + 1, NULL, 10));
        snprintf(host, sizeof host, "%.*s", (int) (colon - address), address);
        (void) inet_pton(AF_INET, host, &a->in.sin_addr);
        return sizeof a->in;
}

/* Of a line of /proc/net/udp or udp6: four bytes at a time, each group as a number of this machine's. */
static bool line_has(const char *line, bool six, const SocketAddress *wanted) {
        uint32_t bytes[4] = {}, zero[4] = {}, ours[4] = {};
        unsigned port;
        int n;

        n = six ? sscanf(line, " %*d: %8x%8x%8x%8x:%4x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &port) : sscanf(line, " %*d: %8x:%4x", &bytes[0], &port);
        if (n != (six ? 5 : 2))
                return false;
        if (port != ntohs(wanted->sa.sa_family == AF_INET ? wanted->in.sin_port : wanted->in6.sin6_port))
                return false;
        if (wanted->sa.sa_family == AF_INET)
                memcpy(ours, &wanted->in.sin_addr, 4);
        else
                memcpy(ours, &wanted->in6.sin6_addr, 16);
        /* Everything of IPv6 is, for most who ask for it, everything of IPv4 as well. */
        if (memcmp(bytes, zero, sizeof zero) == 0)
                return six || wanted->sa.sa_family == AF_INET;
        return six == (wanted->sa.sa_family == AF_INET6) && (memcmp(bytes, ours, sizeof ours) == 0 || memcmp(ours, zero, sizeof zero) == 0);
}

static int datagrams_in_use(const SocketAddress *wanted) {
        for (unsigned six = 0; six < 2; six++) {
                _cleanup_fclose_ FILE *f = fopen(six ? "/proc/self/net/udp6" : "/proc/self/net/udp", "re");
                char line[512];

                while (f && fgets(line, sizeof line, f))
                        if (line_has(line, six, wanted))
                                return -EADDRINUSE;
        }
        return 0;
}

int listen_try(const char *address, bool datagrams) {
        _cleanup_close_ int fd = -EBADF;
        SocketAddress a = {};
        socklen_t size;
        int r;

        if (address[0] == '/')
                return 0;
        size = parse(address, &a);
        if (datagrams) {
                r = datagrams_in_use(&a);
                if (r < 0)
                        return r;
        }
        fd = socket(a.sa.sa_family, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        (void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int));
        return bind(fd, &a.sa, size) < 0 || (!datagrams && listen(fd, 1) < 0) ? -errno : 0;
}
