/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* flip DIRECTORY ONE OTHER [COUNT]: exchanges two names below a directory as fast as the kernel does it, COUNT times or until SIGTERM,
 * and prints how often it has. One of the two is usually a symbolic link: whoever looks at a path first and uses it afterwards is
 * led astray within milliseconds. Linked statically, so that it runs in any container as well. */

static volatile sig_atomic_t stopped;

static void stop(int signal_number) {
        (void) signal_number;
        stopped = 1;
}

int main(int argc, char *argv[]) {
        unsigned long long most = 0, done = 0;
        int fd;

        if (argc < 4 || argc > 5) {
                fputs("flip DIRECTORY ONE OTHER [COUNT]\n", stderr);
                return EXIT_FAILURE;
        }
        if (argc == 5)
                most = strtoull(argv[4], NULL, 10);

        if (signal(SIGTERM, stop) == SIG_ERR || signal(SIGINT, stop) == SIG_ERR)
                return EXIT_FAILURE;
        fd = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                fprintf(stderr, "flip: %s: %s\n", argv[1], strerror(errno));
                return EXIT_FAILURE;
        }
        while (!stopped && (most == 0 || done < most)) {
                if (renameat2(fd, argv[2], fd, argv[3], RENAME_EXCHANGE) < 0) {
                        fprintf(stderr, "flip: %s and %s: %s\n", argv[2], argv[3], strerror(errno));
                        return EXIT_FAILURE;
                }
                done++;
        }
        /* An even number leaves them as they were. */
        if (done % 2 && renameat2(fd, argv[2], fd, argv[3], RENAME_EXCHANGE) >= 0)
                done++;
        printf("%llu\n", done);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
