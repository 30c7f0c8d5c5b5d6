/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Times one command from before it is spawned until it has ended, and appends a line of operation, subject and nanoseconds to a file.
 * A shell would add milliseconds of its own. What the command prints goes to standard error's file and is not looked at; a command
 * that fails is an error and no sample. */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_MONOTONIC, &ts);
        return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int run(char **argv, posix_spawn_file_actions_t *actions) {
        int status, r;
        pid_t pid;

        r = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);
        if (r != 0) {
                fprintf(stderr, "bench-timer: cannot run '%s': %s\n", argv[0], strerror(r));
                return -1;
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -1;
        if (status == 0)
                return 0;
        fprintf(stderr, "bench-timer: failed with wait status %#x:", (unsigned) status);
        for (char **a = argv; *a; a++)
                fprintf(stderr, " %s", *a);
        fputc('\n', stderr);
        return -1;
}

/* Every {} of the arguments becomes the number. */
static char **numbered(char **argv, int argc, long number) {
        char **copy = calloc((size_t) argc + 1, sizeof *copy);

        for (int i = 0; copy && i < argc; i++) {
                char *braces = strstr(argv[i], "{}");

                if (!braces)
                        copy[i] = argv[i];
                else if (asprintf(&copy[i], "%.*s%ld%s", (int) (braces - argv[i]), argv[i], number, braces + 2) < 0)
                        return NULL;
        }
        return copy;
}

/* What a start pays to the kernel whoever does it: moving a process into another cgroup waits for an RCU grace period. */
static int migrate(const char *procs) {
        int fd = open(procs, O_WRONLY | O_CLOEXEC);

        if (fd < 0 || dprintf(fd, "0") < 0) {
                fprintf(stderr, "bench-timer: cannot move to '%s': %s\n", procs, strerror(errno));
                return -1;
        }
        return close(fd);
}

int main(int argc, char *argv[]) {
        static const struct option options[] = {
                { "from", required_argument, NULL, 'f' },
                { "repeat", required_argument, NULL, 'r' },
                { "migrate", required_argument, NULL, 'm' },
                {},
        };
        posix_spawn_file_actions_t actions;
        const char *file, *operation, *subject, *procs = NULL;
        long from = 1, repeat = 1;
        long long begin, end;
        FILE *f;
        int c;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0)
                switch (c) {
                case 'f':
                        from = strtol(optarg, NULL, 10);
                        break;
                case 'r':
                        repeat = strtol(optarg, NULL, 10);
                        break;
                case 'm':
                        procs = optarg;
                        break;
                default:
                        return 2;
                }
        if (argc - optind < (procs ? 3 : 4)) {
                fputs("bench-timer [--repeat N [--from N]] FILE OPERATION SUBJECT COMMAND...\n"
                      "bench-timer --migrate CGROUP.PROCS FILE OPERATION SUBJECT\n", stderr);
                return 2;
        }
        file = argv[optind++];
        operation = argv[optind++];
        subject = argv[optind++];

        /* fds of whoever called are no business of the command. */
        if (posix_spawn_file_actions_init(&actions) != 0 ||
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0) != 0 ||
            posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO) != 0)
                return 1;
        (void) signal(SIGCHLD, SIG_DFL);

        if (procs) {
                begin = now();
                if (migrate(procs) < 0)
                        return 1;
                end = now();
        } else if (repeat == 1) {
                begin = now();
                if (run(argv + optind, &actions) < 0)
                        return 1;
                end = now();
        } else {
                begin = now();
                for (long i = from; i < from + repeat; i++) {
                        char **command = numbered(argv + optind, argc - optind, i);

                        if (!command || run(command, &actions) < 0)
                                return 1;
                        /* The copies are few and small, and the process ends soon. */
                        free(command);
                }
                end = now();
        }

        f = fopen(file, "ae");
        if (!f || fprintf(f, "%s\t%s\t%lld\n", operation, subject, end - begin) < 0 || fclose(f) != 0) {
                fprintf(stderr, "bench-timer: cannot write '%s': %m\n", file);
                return 1;
        }
        return 0;
}
