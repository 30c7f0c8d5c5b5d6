/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berth-generator: run by PID 1 at boot and at every daemon-reload, before any unit is loaded (systemd.generator(7)). No bus, no other
 * unit, perhaps no /var yet; must be quick and must not stand in the way of a boot. */

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "generator/generator.h"

/* There is no journal that listens this early, and stderr leads nowhere. */
static void log_to_kernel(void) {
        int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);

        if (fd < 0)
                return;
        (void) dup2(fd, STDERR_FILENO);
        fd_close(fd);
}

int main(int argc, char *argv[]) {
        int r;

        if (getenv("SYSTEMD_SCOPE"))
                log_to_kernel();
        log_open("berth-generator");

        if (argc != 2 && argc != 4) {
                log_error("This program is run by systemd, with the directories that it writes to.");
                return EXIT_FAILURE;
        }
        r = generator_run("", argv[1]);
        if (r < 0)
                return log_error_errno(r, "Cannot write drop-ins to '%s': %m", argv[1]), EXIT_FAILURE;
        return EXIT_SUCCESS;
}
