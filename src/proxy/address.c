/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "proxy/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"

static int parse_unix(const char *text, Address *a) {
        struct sockaddr_un *un = (struct sockaddr_un *) &a->storage;
        size_t n = strlen(text);

        if (n < 2 || n >= sizeof un->sun_path)
                return -EINVAL;
        un->sun_family = AF_UNIX;
        memcpy(un->sun_path, text, n);
        a->size = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n + (text[0] == '/'));
        /* The name of an abstract one is all of the address, without an end. */
        if (text[0] == '@')
                un->sun_path[0] = 0;
        return 0;
}

static int parse_internet(const char *text, Address *a) {
        const char *colon = strrchr(text, ':');
        bool six = text[0] == '[';
        char host[INET6_ADDRSTRLEN + 1];
        uint32_t port;
        int n;

        if (!colon || parse_u32(colon + 1, 65535, &port) < 0)
                return -EINVAL;
        n = (int) (colon - text) - (six ? 2 : 0);
        if (n <= 0 || n >= (int) sizeof host)
                return -EINVAL;
        snprintf(host, sizeof host, "%.*s", n, text + six);
        if (six) {
                struct sockaddr_in6 *in6 = (struct sockaddr_in6 *) &a->storage;

                in6->sin6_family = AF_INET6;
                in6->sin6_port = htons((uint16_t) port);
                a->size = sizeof *in6;
                return inet_pton(AF_INET6, host, &in6->sin6_addr) == 1 ? 0 : -EINVAL;
        }
        struct sockaddr_in *in = (struct sockaddr_in *) &a->storage;

        in->sin_family = AF_INET;
        in->sin_port = htons((uint16_t) port);
        a->size = sizeof *in;
        return inet_pton(AF_INET, host, &in->sin_addr) == 1 ? 0 : -EINVAL;
}

int address_parse(const char *text, Address *ret) {
        static const struct {
                const char *prefix;
                int type;
                int (*parse)(const char *text, Address *a);
        } kinds[] = {
                { "tcp:", SOCK_STREAM, parse_internet }, { "udp:", SOCK_DGRAM, parse_internet }, { "unix:", SOCK_STREAM, parse_unix },
        };

        for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                const char *rest = startswith(text, kinds[i].prefix);

                if (!rest)
                        continue;
                *ret = (Address) { .type = kinds[i].type };
                return kinds[i].parse(rest, ret);
        }
        return -EINVAL;
}

int address_connect(const Address *a) {
        _cleanup_close_ int fd = socket(a->storage.ss_family, a->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &a->storage, a->size) < 0 && errno != EINPROGRESS)
                return -errno;
        return TAKE_FD(fd);
}
