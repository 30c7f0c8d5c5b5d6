/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* probe: what root in a container may try against the host. Static, so that it runs in any guest; on the host, or below a bare unshare(1), it is
 * the control, which must find things open.
 *
 *   probe TOPIC [ARGUMENT...]
 *
 * A line for each attempt: "contained" or "OPEN", the row of attacks it belongs to, its name, a detail. Exit status 1 if anything is open.
 * The topics all, numbers, paths, exhaust, memory, one and victim are described at their functions. */

#define ATTEMPT_SECONDS 20U

typedef struct Topic {
        const char *name;
        void (*run)(char **arguments);
        bool in_all;
} Topic;

/* Files come first: the keys that calls make are in /proc/keys until the kernel has collected them, a moment after their process. */
static const Topic topics[] = {
        { "files", topic_files, true },       { "syscalls", topic_syscalls, true }, { "abi32", topic_abi32, true },   { "handle", topic_handle, true },
        { "mounts", topic_mounts, true },     { "devices", topic_devices, true }, { "cgroup", topic_cgroup, true },   { "sockets", topic_sockets, false },
        { "kill", topic_kill, false },        { "numbers", topic_numbers, false }, { "paths", topic_paths, false },   { "exhaust", topic_exhaust, false },
        { "victim", topic_victim, false },     { "memory", topic_memory, false },     { "one", topic_one, false },
};

static unsigned n_open, n_contained;

void report(bool open, const char *row, const char *name, const char *detail) {
        printf("%s %s %s %s\n", open ? "OPEN" : "contained", row, name, detail);
        (void) fflush(stdout);
        if (open)
                n_open++;
        else
                n_contained++;
}

void detail_errno(char detail[static DETAIL_SIZE], const char *what, int error) {
        (void) snprintf(detail, DETAIL_SIZE, "%s: %s", what, error == 0 ? "succeeded" : strerrorname_np(error) ?: "an unknown error");
}

bool attempted(Attempt f, const void *data, char detail[static DETAIL_SIZE]) {
        struct { bool done, open; char detail[DETAIL_SIZE]; } *shared;
        bool open;
        int status;
        pid_t pid;

        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) {
                perror("mmap");
                exit(2);
        }
        memset(shared, 0, sizeof *shared);
        (void) fflush(stdout);
        pid = fork();
        if (pid < 0) {
                perror("fork");
                exit(2);
        }
        if (pid == 0) {
                (void) alarm(ATTEMPT_SECONDS);
                shared->open = f(data, shared->detail);
                shared->done = true;
                _exit(0);
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR) {
                        perror("waitpid");
                        exit(2);
                }
        if (shared->done) {
                memcpy(detail, shared->detail, DETAIL_SIZE);
                open = shared->open;
        } else {
                (void) snprintf(detail, DETAIL_SIZE, "%s %d", WIFSIGNALED(status) ? "killed by signal" : "ended with status",
                                WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
                /* What hangs got somewhere. */
                open = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
        }
        (void) munmap(shared, sizeof *shared);
        return open;
}

void attempt(const char *row, const char *name, Attempt f, const void *data) {
        char detail[DETAIL_SIZE] = "";
        bool open = attempted(f, data, detail);

        report(open, row, name, detail);
}

int main(int argc, char *argv[]) {
        bool found = false;

        if (argc < 2) {
                fprintf(stderr, "probe TOPIC [ARGUMENT...]; topics: all");
                for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
                        fprintf(stderr, " %s", topics[i].name);
                fprintf(stderr, "\n");
                return 2;
        }
        for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
                bool all = topics[i].in_all && strcmp(argv[1], "all") == 0;

                if (!all && strcmp(argv[1], topics[i].name) != 0)
                        continue;
                found = true;
                topics[i].run(all ? argv + argc : argv + 2);
        }
        if (!found) {
                fprintf(stderr, "probe: there is no topic '%s'\n", argv[1]);
                return 2;
        }
        if (n_open + n_contained > 0)
                fprintf(stderr, "%u contained, %u open\n", n_contained, n_open);
        return n_open > 0;
}
