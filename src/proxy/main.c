/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-proxy: forwards streams and datagrams between the host and a container, to sockets that are files of a guest's as well. PID 1 runs it for
 * devices of type proxy (launch/proxy.c), mostly with the listening socket and without any right. What it carries it does not look at. */

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "proxy/datagram.h"
#include "proxy/guest.h"
#include "proxy/stream.h"

static int forward(int fd, const char *to, bool at_leisure) {
        _cleanup_(sd_event_unrefp) sd_event *event = NULL;
        sigset_t set;
        Address a;
        int r;

        r = address_parse(to, &a);
        if (r < 0)
                return r;
        sigemptyset(&set);
        sigaddset(&set, SIGTERM);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        r = sd_event_default(&event);
        if (r >= 0)
                r = sd_event_add_signal(event, NULL, SIGTERM, NULL, NULL);
        if (r >= 0)
                r = sd_notify(false, "READY=1");
        if (r < 0)
                return r;
        return a.type == SOCK_DGRAM ? datagram_serve(event, fd, &a) : stream_serve(event, fd, &a, at_leisure);
}

/* serve TO: what PID 1 listens on. */
static int run_serve(char *argv[]) {
        return sd_listen_fds(true) == 1 ? forward(SD_LISTEN_FDS_START, argv[0], true) : -EINVAL;
}

/* connect-inside USERNS MNTNS TO: the same; TO is a path of the guest's. */
static int run_connect_inside(char *argv[]) {
        int r;

        if (sd_listen_fds(true) != 1)
                return -EINVAL;
        /* A path, which would be the guest's. */
        (void) unsetenv("NOTIFY_SOCKET");
        r = guest_enter(argv[0], argv[1]);
        return r < 0 ? r : forward(SD_LISTEN_FDS_START, argv[2], true);
}

/* listen-inside USERNS MNTNS PATH MODE UID GID TO: TO is the host's; what it may is the user's who it runs as, root's or nobody's. */
static int run_listen_inside(char *argv[]) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct none[2] = {};
        GuestSocket s;
        int r;

        r = guest_listen(argv[0], argv[1], argv[2], (mode_t) strtoul(argv[3], NULL, 8), (uid_t) strtoul(argv[4], NULL, 10), (gid_t) strtoul(argv[5], NULL, 10), &s);
        if (r < 0)
                return r;
        r = syscall(SYS_capset, &header, none) < 0 ? -errno : forward(s.fd, argv[6], false);
        guest_socket_done(&s);
        return r;
}

int main(int argc, char *argv[]) {
        static const struct {
                const char *name;
                int n_arguments;
                int (*run)(char *argv[]);
        } modes[] = {
                { "serve", 1, run_serve }, { "connect-inside", 3, run_connect_inside }, { "listen-inside", 7, run_listen_inside },
        };

        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(modes); i++)
                if (streq(argv[1], modes[i].name) && argc - 2 == modes[i].n_arguments) {
                        int r = modes[i].run(argv + 2);

                        if (r < 0)
                                log_error_errno(r, "Cannot forward: %m");
                        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
                }
        fprintf(stderr, "berth-proxy is run by PID 1, for devices of type proxy: berth.container(5).\n");
        return EXIT_FAILURE;
}
