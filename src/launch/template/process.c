/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/template/process.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "launch/template/render.h"

#define CPU_SECONDS 5U
#define DEADLINE_MSEC 30000

/* Shared with the process that renders, and looked at only when it is gone. */
typedef struct Shared {
        int result;
        size_t size;
        char error[TEMPLATE_ERROR_MAX];
        char output[TEMPLATE_OUTPUT_MAX];
} Shared;

void rendering_done(Rendering *r) {
        if (r->memory)
                (void) munmap(r->memory, sizeof(Shared));
        *r = (Rendering) {};
}

static _noreturn_ void render(Arena *arena, const Value *variables, const char *text, size_t size, Shared *shared) {
        const struct rlimit cpu = { CPU_SECONDS, CPU_SECONDS };

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        (void) setrlimit(RLIMIT_CPU, &cpu);
        if (fd_close_all_except(NULL, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) < 0)
                _exit(EXIT_FAILURE);

        shared->result = template_render(arena, variables, text, size, shared->output, sizeof shared->output, &shared->size, shared->error);
        /* exit_group(2), which is what _exit() calls, is not one of the four calls that are left. */
        syscall(SYS_exit, EXIT_SUCCESS);
        __builtin_unreachable();
}

/* 0, or -ETIME, -EPROTO */
static int wait_for(pid_t pid) {
        _cleanup_close_ int pidfd = pidfd_open(pid, 0);
        struct pollfd p = { .fd = pidfd, .events = POLLIN };
        bool late = false;
        int status;

        if (pidfd < 0 || poll(&p, 1, DEADLINE_MSEC) <= 0) {
                (void) kill(pid, SIGKILL);
                late = true;
        }
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (late || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU))
                return -ETIME;
        return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -EPROTO;
}

int template_render_apart(Arena *arena, const Value *variables, const char *text, size_t size, Rendering *ret, char **ret_error) {
        _cleanup_(rendering_done) Rendering rendering = {};
        Shared *shared;
        pid_t pid;
        int r;

        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
                return -errno;
        rendering.memory = shared;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                render(arena, variables, text, size, shared);
        r = wait_for(pid);
        if (r >= 0)
                r = shared->result;
        if (r == -ETIME || r == -EPROTO)
                *ret_error = strdup(r == -ETIME ? "it takes too long" : "the process that rendered it died");
        else if (r < 0)
                *ret_error = strndup(shared->error, sizeof shared->error - 1);
        else if (shared->size > sizeof shared->output)
                r = -EPROTO;
        if (r < 0)
                return r;

        rendering.output = shared->output;
        rendering.size = shared->size;
        *ret = rendering;
        rendering = (Rendering) {};
        return 0;
}
