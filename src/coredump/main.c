/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-coredump: what kernel.core_pattern may name on hosts whose systemd-coredump does not know of containers (before systemd 255;
 * berth-coredump(8)). A dump of a container's process goes to the container's own systemd-coredump or nowhere; one of the host's to the host's
 * handler. The kernel runs it as root with the dump on standard input. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <syslog.h>
#include <unistd.h>

#include "coredump/crash.h"

#define HOST_HANDLER "/usr/lib/systemd/systemd-coredump"

/* The kernel gives only what core_pattern names: 0, 1 and 2 may be missing, and then a socket of ours would be one of them. */
static void fill_standard_fds(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        if (fd > STDERR_FILENO)
                (void) close(fd);
}

int main(int argc, char *argv[]) {
        _cleanup_(crash_done) Crash crash = CRASH_NONE;
        int r;

        fill_standard_fds();
        if (argc < _CRASH_ARGUMENT_MAX + 1) {
                fputs("berth-coredump is for kernel.core_pattern, see berth-coredump(8).\n", stderr);
                return EXIT_FAILURE;
        }
        /* A crash in here must not lead here. */
        (void) setrlimit(RLIMIT_CORE, &(struct rlimit) {});
        (void) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        openlog("berth-coredump", LOG_PID, LOG_DAEMON);

        r = crash_read((const char *const *) argv + 1, &crash);
        if (r < 0) {
                syslog(LOG_ERR, "Cannot tell where process %.16s is: %s", argv[1], strerror(-r));
                return EXIT_FAILURE;
        }
        if (!crash.container[0]) {
                argv[0] = (char *) HOST_HANDLER;
                execv(HOST_HANDLER, argv);
                return EXIT_SUCCESS;
        }
        r = crash_forward(&crash, STDIN_FILENO);
        if (r < 0)
                syslog(LOG_NOTICE, "The core dump of a process of container '%s' is dropped, nobody in it takes it: %s", crash.container, strerror(-r));
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
