/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/exec.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/socket.h"
#include "basic/strv.h"
#include "launch/apparmor.h"
#include "launch/capabilities.h"
#include "shared/guest-user.h"
#include "launch/personality.h"
#include "launch/process-limits.h"

void exec_request_done(ExecRequest *r) {
        strv_free(r->argv);
        strv_free(r->environment);
        free(r->user);
        free(r->working_directory);
        for (int i = 0; i < 3; i++)
                (void) fd_close(r->stdio[i]);
        *r = (ExecRequest) EXEC_REQUEST_NONE;
}

void exec_process_done(ExecProcess *p) {
        p->pidfd = fd_close(p->pidfd);
        p->report_fd = fd_close(p->report_fd);
        p->master_fd = fd_close(p->master_fd);
        p->listener_fd = fd_close(p->listener_fd);
}

/* As a shell would end: 127 when there is no such command, 126 when it cannot be executed, else what berthctl keeps for berth's failures. */
typedef enum FailureCode {
        FAILURE_SETUP = 125,
        FAILURE_NOT_EXECUTABLE = 126,
        FAILURE_NOT_FOUND = 127,
} FailureCode;

/* What comes with a descriptor. */
typedef enum ReportedFd {
        REPORTED_MASTER,
        REPORTED_LISTENER,
        REPORTED_LABEL, /* comes alone, and waits for an answer: it has its label, which can be seen from outside only */
} ReportedFd;

static _noreturn_ _printf_(4, 5) void child_fail_code(int report_fd, FailureCode code, int error, const char *format, ...) {
        char text[512];
        va_list ap;
        int n;

        memcpy(text, &code, sizeof code);
        va_start(ap, format);
        errno = -error;
        n = vsnprintf(text + sizeof code, sizeof text - sizeof code, format, ap);
        va_end(ap);
        (void) !write(report_fd, text, sizeof code + MIN_OF((size_t) n, sizeof text - sizeof code - 1));
        _exit(EXIT_FAILURE);
}

#define child_fail(report_fd, ...) child_fail_code(report_fd, FAILURE_SETUP, __VA_ARGS__)

/* A pty of the container's own devpts, so that ttyname(3) works there and nothing of the caller's terminal is within reach of the guest
 * (TIOCSTI, ATTACKS S81). */
static int open_pty(int root_fd, unsigned rows, unsigned columns, int *ret_master, int *ret_slave) {
        struct winsize ws = { .ws_row = (unsigned short) rows, .ws_col = (unsigned short) columns };
        _cleanup_close_ int pts = -EBADF, master = -EBADF;
        int unlocked = 0, slave;
        unsigned number;

        pts = path_open_in_root(root_fd, "/dev/pts", O_RDONLY | O_DIRECTORY, 0);
        if (pts < 0)
                return pts;
        master = path_open_beneath(pts, "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
        if (master < 0)
                return master;
        /* TIOCGPTN is answered by pty masters alone: whatever else a guest put there ends here. */
        if (ioctl(master, TIOCGPTN, &number) < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0)
                return -errno;
        slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (slave < 0)
                return -errno;
        if (rows > 0 && columns > 0)
                (void) ioctl(master, TIOCSWINSZ, &ws);
        *ret_master = TAKE_FD(master);
        *ret_slave = slave;
        return 0;
}

/* Unless there is one already: getenv(3) would find the first of two, but a shell takes the last. */
static int add_default(char ***env, const char *name, const char *value) {
        return strv_get_value(*env, name) ? 0 : strv_extendf(env, "%s=%s", name, value);
}

static int make_environment(const Plan *plan, const ExecRequest *request, const GuestUser *user, char ***ret) {
        static const char *const not_for_exec[] = { "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "container_uuid", "HOME", "USER", "LOGNAME", "TERM" };
        _cleanup_strv_ char **env = NULL;
        int r;

        r = strv_copy(request->environment, &env);
        STRV_FOREACH(e, plan->environment) {
                size_t n = strcspn(*e, "=");
                bool skip = false;

                STRV_FOREACH(own, request->environment)
                        skip = skip || (strncmp(*own, *e, n) == 0 && (*own)[n] == '=');

                for (size_t i = 0; i < ELEMENTSOF(not_for_exec); i++) {
                        const char *rest = startswith(*e, not_for_exec[i]);

                        skip = skip || (rest && *rest == '=');
                }
                if (r >= 0 && !skip)
                        r = strv_extend(&env, *e);
        }
        if (r >= 0)
                r = add_default(&env, "HOME", user->home);
        if (r >= 0)
                r = add_default(&env, "USER", user->name);
        if (r >= 0)
                r = add_default(&env, "LOGNAME", user->name);
        if (r >= 0)
                r = add_default(&env, "SHELL", user->shell);
        if (r >= 0)
                r = add_default(&env, "TERM", request->tty ? "vt220" : "dumb");
        if (r < 0)
                return r;
        *ret = TAKE_PTR(env);
        return 0;
}

/* Standard input, output and error, from the caller's fds or from a new pty whose master goes to the supervisor. */
static int take_stdio(ExecRequest *request, int root_fd, const GuestUser *user, int report_fd) {
        _cleanup_close_ int master = -EBADF, slave = -EBADF;
        ReportedFd what = REPORTED_MASTER;
        int r;

        if (request->tty) {
                r = open_pty(root_fd, request->rows, request->columns, &master, &slave);
                if (r < 0)
                        return r;
                /* As grantpt(3) has it; 5 is the tty group of every distribution that systemd runs on. */
                if (fchown(slave, user->uid, 5) < 0)
                        return -errno;
                r = socket_send(report_fd, &what, sizeof what, &master, 1);
                if (r < 0)
                        return r;
        }
        for (int i = 0; i < 3; i++)
                if (dup2(request->tty ? slave : request->stdio[i], i) < 0)
                        return -errno;
        if (request->tty && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
                return -errno;
        return 0;
}

static int intercept(const ExecContext *c, int report_fd) {
        _cleanup_close_ int fd = -EBADF;
        ReportedFd what = REPORTED_LISTENER;

        if (!c->intercept)
                return 0;
        fd = intercept_filter_apply(c->plan->settings);
        return fd < 0 ? fd : socket_send(report_fd, &what, sizeof what, &fd, 1);
}

static int enter_profile(const ExecContext *c, int label_fd, int report_fd) {
        ReportedFd what = REPORTED_LABEL;
        char byte;
        int r;

        if (!c->label)
                return 0;
        r = apparmor_change(label_fd, c->label);
        if (r >= 0)
                r = socket_send(report_fd, &what, sizeof what, NULL, 0);
        if (r < 0)
                return r;
        return recv(report_fd, &byte, 1, 0) == 1 ? 0 : -EPIPE;
}

static int confine(const ExecContext *c, int label_fd, int report_fd) {
        const Settings *s = c->plan->settings;
        int r;

        if (s->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        r = personality_apply(s);
        if (r < 0)
                return r;
        r = intercept(c, report_fd);
        if (r < 0)
                return r;
        r = seccomp_program_apply(c->seccomp);
        if (r < 0)
                return r;
        r = capabilities_limit(capabilities_of_payload(s->capabilities, c->policy_namespace));
        return r < 0 ? r : enter_profile(c, label_fd, report_fd);
}

static void reset_signals(void) {
        sigset_t none;

        for (int sig = 1; sig < _NSIG; sig++)
                if (sig != SIGKILL && sig != SIGSTOP)
                        (void) signal(sig, SIG_DFL);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

static _noreturn_ void child_main(const ExecContext *c, ExecRequest *request, int report_fd) {
        _cleanup_(guest_user_done) GuestUser user = {};
        char **environment = NULL;
        int root, label_fd = -EBADF, r;
        const char *limit;

        reset_signals();
        if (c->label) {
                label_fd = apparmor_open();
                if (label_fd < 0)
                        child_fail(report_fd, label_fd, "cannot enter its AppArmor profile: %m");
        }
        r = limits_apply(c->plan->settings, 0, &limit);
        if (r < 0)
                child_fail(report_fd, r, "cannot apply %s=: %m", limit);
        (void) umask((mode_t) c->plan->settings->umask);

        /* The pid namespace is where we were born already. */
        r = namespaces_enter(c->namespaces);
        if (r < 0)
                child_fail(report_fd, r, "cannot enter the container: %m");
        if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
                child_fail(report_fd, -errno, "cannot become the container's root: %m");
        /* From here on the guest's root has our uid: what keeps its ptrace(2) and /proc/PID/ away until exec is this. */
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                child_fail(report_fd, -errno, "cannot protect the command: %m");

        root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                child_fail(report_fd, -errno, "cannot open the container's root: %m");
        r = guest_user_find(root, request->user, &user);
        if (r < 0)
                child_fail(report_fd, r, "the container has no user '%s'", request->user);
        if (setsid() < 0)
                child_fail(report_fd, -errno, "cannot make a session: %m");
        r = take_stdio(request, root, &user, report_fd);
        if (r < 0)
                child_fail(report_fd, r, "cannot set up standard input and output: %m");
        r = make_environment(c->plan, request, &user, &environment);
        if (r < 0)
                child_fail(report_fd, r, "cannot make the environment: %m");
        r = confine(c, label_fd, report_fd);
        if (r < 0)
                child_fail(report_fd, r, "cannot confine the command: %m");

        /* Before a path of the caller's choice is entered: /proc/self/fd/N must not lead to anything of ours (CVE-2024-21626). */
        r = fd_close_all_except(&(int) { report_fd }, 1);
        if (r < 0)
                child_fail(report_fd, r, "cannot close files: %m");
        r = guest_user_become(&user);
        if (r < 0)
                child_fail(report_fd, r, "cannot become user '%s': %m", user.name);
        if (chdir(request->working_directory ?: user.home) < 0 && (request->working_directory || chdir("/") < 0))
                child_fail(report_fd, -errno, "cannot enter '%s': %m", request->working_directory ?: "/");

        /* execvpe(3) searches the PATH of the caller's environment. */
        (void) setenv("PATH", strv_get_value(environment, "PATH") ?: "/usr/bin:/bin", 1);
        execvpe(request->argv[0], request->argv, environment);
        child_fail_code(report_fd, errno == ENOENT ? FAILURE_NOT_FOUND : FAILURE_NOT_EXECUTABLE, -errno, "cannot execute '%s': %m",
                        request->argv[0]);
}

int exec_start(const ExecContext *c, ExecRequest *request, ExecProcess *ret) {
        _cleanup_(exec_process_done) ExecProcess p = EXEC_PROCESS_NONE;
        struct clone_args args = {
                .flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
                .pidfd = (uint64_t) (uintptr_t) &p.pidfd,
                .exit_signal = SIGCHLD,
                .cgroup = (uint64_t) (unsigned) c->cgroup_fd,
        };
        _cleanup_close_ int theirs = -EBADF;
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
                return -errno;
        p.report_fd = pair[0];
        theirs = pair[1];
        p.label = c->label;

        p.pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);
        if (p.pid < 0)
                return -errno;
        if (p.pid == 0) {
                p.report_fd = fd_close(p.report_fd);
                child_main(c, request, theirs);
        }
        *ret = p;
        p = (ExecProcess) EXEC_PROCESS_NONE;
        return 0;
}

/* What comes without a descriptor and without a sentence. */
static int look_at_label(ExecProcess *p, int *ret_code, char **ret_error) {
        _cleanup_free_ char *label = NULL;
        int r;

        r = p->label ? apparmor_verify(p->pid, p->label, &label) : -EPROTO;
        if (r >= 0)
                return send(p->report_fd, "", 1, MSG_NOSIGNAL) < 0 ? -errno : 0;
        (void) pidfd_send_signal(p->pidfd, SIGKILL, NULL, 0);
        *ret_code = FAILURE_SETUP;
        errno = -r;
        if (asprintf(ret_error, label ? "the kernel confines it as '%s' instead of '%s'" : "cannot see its AppArmor profile: %m", label, p->label) < 0)
                *ret_error = NULL;
        return -EREMOTEIO;
}

int exec_process_report(ExecProcess *p, int *ret_code, char **ret_error) {
        char data[512];
        size_t n_fds;
        ssize_t n;
        int fd;

        n_fds = 1;
        n = socket_receive(p->report_fd, data, sizeof data - 1, &fd, &n_fds);
        if (n < 0)
                return (int) n;
        /* The fd stays open: who watches it in an event loop must let go of it first. A child that is just being cloned has a copy of it,
         * and epoll(7) goes on reporting a file as long as any is open. */
        if (n == 0)
                return 1;
        if (n_fds > 0) {
                ReportedFd what = REPORTED_MASTER;
                int *to;

                memcpy(&what, data, MIN_OF((size_t) n, sizeof what));
                to = what == REPORTED_LISTENER ? &p->listener_fd : &p->master_fd;
                (void) fd_close(*to);
                *to = fd;
                return 0;
        }
        if ((size_t) n < sizeof *ret_code)
                return -EPROTO;
        if ((size_t) n == sizeof(ReportedFd))
                return look_at_label(p, ret_code, ret_error);
        data[n] = 0;
        memcpy(ret_code, data, sizeof *ret_code);
        *ret_error = strdup(data + sizeof *ret_code);
        return -EREMOTEIO;
}
