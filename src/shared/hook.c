/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/hook.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "settings/quote.h"
#include "settings/table.h"
#include "shared/hook-facts.h"
#include "shared/names.h"
#include "shared/unit-timeout.h"

#define LINE_SIZE_MAX 512U

static const char *const directories[] = { "/usr/lib/berth/hooks/%s.d", "/etc/berth/hooks/%s.d" };
#define OWN_DIRECTORY "/etc/berth/containers/%s.hooks/%s.d"

static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_candidate(const struct dirent *de) {
        return de->d_name[0] != '.' && !endswith(de->d_name, "~") && !strchr(de->d_name, ' ');
}

static int add_directory(const char *path, char ***l) {
        struct dirent **entries;
        int n, r = 0;

        n = scandir(path, &entries, is_candidate, compare_names);
        if (n < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *file = NULL, *quoted = NULL;
                struct stat st;

                if (r >= 0 && asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0) {
                        file = NULL;
                        r = -ENOMEM;
                }
                if (r >= 0 && stat(file, &st) >= 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111))
                        r = word_quote(file, &quoted) < 0 ? -ENOMEM : strv_extend(l, quoted);
                free(entries[i]);
        }
        free(entries);
        return r;
}

/* Command lines. */
static int list(HookType type, const char *name, const Settings *s, char ***ret) {
        _cleanup_strv_ char **l = NULL;
        int r = 0;

        if (type != HOOK_START) {
                char path[sizeof OWN_DIRECTORY + CONTAINER_NAME_MAX + 32];

                for (size_t i = 0; r >= 0 && i < ELEMENTSOF(directories); i++) {
                        snprintf(path, sizeof path, directories[i], hook_type_to_string(type));
                        r = add_directory(path, &l);
                }
                snprintf(path, sizeof path, OWN_DIRECTORY, name, hook_type_to_string(type));
                if (r >= 0)
                        r = add_directory(path, &l);
        }
        STRV_FOREACH(line, s->hooks[type])
                if (r >= 0)
                        r = strv_extend(&l, *line);
        if (r >= 0)
                *ret = TAKE_PTR(l);
        return r;
}

bool hooks_exist(HookType type, const char *name, const Settings *s) {
        _cleanup_strv_ char **l = NULL;

        /* What cannot be read is found out when they are to run. */
        return list(type, name, s, &l) < 0 || l;
}

/* --- the child --- */

static _noreturn_ void execute(const HookContext *c, char *const *argv, char *const *env, int in, int out) {
        sigset_t none;

        for (int sig = 1; sig < _NSIG; sig++)
                if (sig != SIGKILL && sig != SIGSTOP)
                        (void) signal(sig, SIG_DFL);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        umask(0022);

        if (setsid() < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
                _exit(126);
        if (c->mount_namespace_fd >= 0 && setns(c->mount_namespace_fd, CLONE_NEWNS) < 0) {
                dprintf(STDERR_FILENO, "cannot enter the container's mount namespace: %m\n");
                _exit(126);
        }
        if (chdir("/") < 0 || fd_close_all_except(NULL, 0) < 0)
                _exit(126);
        execve(argv[0], argv, env);
        dprintf(STDERR_FILENO, "cannot execute it: %m\n");
        _exit(126);
}

/* --- the caller --- */

typedef struct Output {
        char line[LINE_SIZE_MAX];
        size_t n;
        char last[LINE_SIZE_MAX]; /* the last line that was not empty */
        const char *label;
} Output;

static void end_line(Output *o) {
        _cleanup_free_ char *escaped = NULL;

        o->line[o->n] = 0;
        o->n = 0;
        if (!o->line[0] || string_escape(o->line, &escaped) < 0)
                return;
        log_info("%s: %s", o->label, escaped);
        snprintf(o->last, sizeof o->last, "%s", escaped);
}

/* 0 at the end, -EAGAIN when there is nothing now. */
static int take_output(int fd, Output *o) {
        char buffer[4096];
        ssize_t n;

        while ((n = read(fd, buffer, sizeof buffer)) > 0)
                for (ssize_t i = 0; i < n; i++) {
                        if (buffer[i] == '\n' || o->n == sizeof o->line - 1)
                                end_line(o);
                        if (buffer[i] != '\n' && buffer[i] != '\r')
                                o->line[o->n++] = buffer[i];
                }
        return n < 0 ? -errno : 0;
}

/* Whoever else has the pipe open, it is over when the hook itself has ended. A hook whose container has been killed or is not wanted any more is
 * not waited for: its end would wait for it, too. */
static int wait_for(pid_t pid, const HookContext *c, int fd, Output *o, int *ret_status) {
        uint64_t timeout = c->settings->hook_timeout_usec, end = timeout == USEC_INFINITY ? USEC_INFINITY : clock_usec(CLOCK_MONOTONIC) + timeout;
        _cleanup_close_ int pidfd = pidfd_open(pid, 0), stop_fd = c->until_stopped ? fd_open_stop_signals() : -EBADF;
        _cleanup_close_ int leader_fd = c->leader > 0 && c->leader != getpid() ? pidfd_open(c->leader, 0) : -EBADF;
        int given_up = pidfd < 0 ? -ETIME : 0;

        while (given_up == 0) {
                struct pollfd p[] = {
                        { .fd = pidfd, .events = POLLIN },
                        { .fd = fd, .events = POLLIN },
                        { .fd = leader_fd, .events = POLLIN },
                        { .fd = stop_fd, .events = POLLIN },
                };
                uint64_t now = clock_usec(CLOCK_MONOTONIC);

                if (now >= end) {
                        given_up = -ETIME;
                        break;
                }
                (void) poll(p, ELEMENTSOF(p), end == USEC_INFINITY ? -1 : (int) MIN_OF((end - now) / 1000 + 1, (uint64_t) 3600000));
                if (p[1].revents && take_output(fd, o) != -EAGAIN)
                        fd = -1; /* the caller's */
                if (p[0].revents)
                        break;
                if (p[3].revents)
                        given_up = -ECANCELED;
                else if (p[2].revents)
                        given_up = -ESRCH;
        }
        if (given_up < 0) {
                (void) kill(-pid, SIGKILL);
                (void) kill(pid, SIGKILL);
        }
        while (waitpid(pid, ret_status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (fd >= 0)
                (void) take_output(fd, o);
        end_line(o);
        return given_up;
}

static int explain(HookType type, const char *program, const char *reason, char **ret_error) {
        return asprintf(ret_error, "the hook %s '%s' failed: %s", hook_type_to_string(type), program, reason) < 0 ? -ENOMEM : -EPROTO;
}

static int describe_end(HookType type, const char *program, int status, const Output *o, char **ret_error) {
        char reason[64];

        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        if (WIFSIGNALED(status))
                snprintf(reason, sizeof reason, "it was killed by signal %d", WTERMSIG(status));
        else
                snprintf(reason, sizeof reason, "it ended with status %d", WEXITSTATUS(status));
        return explain(type, program, o->last[0] ? o->last : reason, ret_error);
}

/* What others can write to would be theirs to run as root. */
static int check_program(HookType type, const char *program, char **ret_error) {
        struct stat st;

        if (type == HOOK_START)
                return 0;
        if (stat(program, &st) < 0)
                return explain(type, program, strerror(errno), ret_error);
        if (st.st_uid != 0 || (st.st_mode & 0022))
                return explain(type, program, "it does not belong to root, or others may write to it", ret_error);
        return 0;
}

/* systemd-run(1) is what takes it out of the sandbox of a job: PID 1 starts it, with the standard streams of ours. */
static int set_apart(char *const *argv, char *const *env, char ***ret) {
        static const char *const run[] = { "/usr/bin/systemd-run", "--quiet", "--wait", "--collect", "--pipe", "--service-type=exec" };
        _cleanup_strv_ char **l = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(run); i++)
                r = strv_extend(&l, run[i]);
        STRV_FOREACH(e, env)
                if (r >= 0)
                        r = strv_extendf(&l, "--setenv=%s", *e);
        if (r >= 0)
                r = strv_extend(&l, "--");
        STRV_FOREACH(a, argv)
                if (r >= 0)
                        r = strv_extend(&l, *a);
        if (r >= 0)
                *ret = TAKE_PTR(l);
        return r;
}

static int run_one(HookType type, const HookContext *c, const char *line, char *const *env, int in, char **ret_error) {
        _cleanup_strv_ char **argv = NULL, **apart = NULL;
        _cleanup_free_ char *reason = NULL, *label = NULL;
        _cleanup_close_ int out_read = -EBADF, out_write = -EBADF;
        Output o = {};
        int fds[2], status, r;
        pid_t pid;

        r = words_split(line, SETTINGS_LIST_MAX, &argv, &reason);
        if (r < 0)
                return r;
        r = check_program(type, argv[0], ret_error);
        if (r >= 0 && c->apart)
                r = set_apart(argv, env, &apart);
        if (r < 0)
                return r;
        if (asprintf(&label, "%s hook %s", hook_type_to_string(type), argv[0]) < 0) {
                label = NULL;
                return -ENOMEM;
        }
        o.label = label;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        out_read = fds[0];
        out_write = fds[1];
        r = fd_set_nonblock(out_read, true);
        if (r < 0)
                return r;
        if (lseek(in, 0, SEEK_SET) < 0)
                return -errno;

        /* A hook may have more time than the unit has. The container's own would tell the container's PID 1. */
        if (type != HOOK_START)
                unit_timeout_extend(c->settings->hook_timeout_usec);
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                execute(c, apart ?: argv, env, in, out_write);
        out_write = fd_close(out_write);
        r = wait_for(pid, c, out_read, &o, &status);
        if (r == -ETIME)
                return explain(type, argv[0], "it took longer than HookTimeoutSec=", ret_error);
        if (r == -ESRCH)
                return explain(type, argv[0], "the container ended before it did", ret_error);
        if (r == -ECANCELED && explain(type, argv[0], "it was stopped meanwhile", ret_error) == -ENOMEM)
                return -ENOMEM;
        return r < 0 ? r : describe_end(type, argv[0], status, &o, ret_error);
}

int hooks_run(HookType type, const HookContext *c, char **ret_error) {
        _cleanup_strv_ char **lines = NULL, **env = NULL;
        _cleanup_close_ int in = -EBADF;
        _cleanup_free_ char *json = NULL;
        int r;

        r = list(type, c->name, c->settings, &lines);
        if (r < 0 || !lines)
                return r;
        r = hook_environment(type, c, &env);
        if (r >= 0)
                r = hook_json(type, c, &json);
        if (r < 0)
                return r;
        in = memfd_create("berth-hook", MFD_CLOEXEC);
        if (in < 0)
                return -errno;
        r = fd_write_all(in, json, strlen(json));
        STRV_FOREACH(l, lines)
                if (r >= 0)
                        r = run_one(type, c, *l, env, in, ret_error);
        return r;
}
