/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "bootstrap/family.h"
#include "shared/foreign-range.h"
#include "shared/message.h"
#include "shared/names.h"
#include "shared/userns.h"

/* berth-bootstrap: has a builder of a distribution's root file systems work for a job of berth's. What it runs, and what scripts of packages are run by
 * that, is root of a user namespace of the foreign range, where nothing of the host's can be written but the tree that is made. It is the only one of berth's that runs with
 * the host's network what strangers wrote. "Bootstrap" in docs/ARCHITECTURE.md has the messages. */

#define KEYRING_SIZE_MAX (4U * 1024U * 1024U)
#define PATH_FOR_BUILDERS "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static int fail(char **error, int r, const char *format, ...) _printf_(3, 4);
static int fail(char **error, int r, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        if (vasprintf(error, format, ap) < 0)
                *error = NULL;
        va_end(ap);
        return r;
}

static bool have_program(const char *name) {
        static const char *const directories[] = { "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin" };

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                char path[256];

                snprintf(path, sizeof path, "%s/%s", directories[i], name);
                if (access(path, X_OK) >= 0)
                        return true;
        }
        return false;
}

static int check_variant(const Family *f, const char *variant, char **error) {
        _cleanup_strv_ char **known = NULL;
        _cleanup_free_ char *list = NULL;

        if (!variant || variant_valid(f->builder, variant))
                return 0;
        for (const char *v = f->builder->variants; v && *v; v += strlen(v) + 1)
                if (strv_extend(&known, v) < 0)
                        return -ENOMEM;
        if (!known)
                return fail(error, -EINVAL, "'%s' has no variants: leave --variant out, and give packages by --include", f->name);
        if (strv_join(known, ", ", &list) < 0)
                return -ENOMEM;
        return fail(error, -EINVAL, "'%s' is no variant of '%s': it has %s", variant, f->name, list);
}

/* The caller's, or that of the distribution, which somebody must have installed. */
static int find_keyring(Message *m, const Family *f, const char *release, char **ret, char **error) {
        _cleanup_close_ int fd = message_take_fd(m, 0), out = -EBADF;
        _cleanup_free_ char *path = NULL, *text = NULL;
        size_t size;
        int r;

        if (fd < 0) {
                r = family_expand(f->keyring, release, &path);
                if (r < 0)
                        return r;
                if (access(path, R_OK) < 0)
                        return fail(error, -ENOENT, "the keys of '%s/%s' are not here: install the package '%s', which should have '%s', or give --keyring",
                                    f->name, release, f->keyring_package, path);
                *ret = TAKE_PTR(path);
                return 0;
        }
        r = fd_read_string(fd, KEYRING_SIZE_MAX, &text, &size);
        if (r < 0)
                return fail(error, r, "the keyring cannot be read: %s", strerror(-r));
        /* apt looks at what it is by its name. */
        if (asprintf(&path, BOOTSTRAP_KEYRING "%s", startswith(text, "-----BEGIN") ? ".asc" : ".gpg") < 0)
                return -ENOMEM;
        out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (out < 0 || fchmod(out, 0644) < 0)
                return -errno;
        r = fd_write_all(out, text, size);
        if (r >= 0)
                *ret = TAKE_PTR(path);
        return r;
}

static int take_order(Message *m, Order *o, char ***include, char **mirror, char **keyring, char **error) {
        const char *name = message_get(m, "family");
        _cleanup_free_ char *known = NULL;
        int r;

        o->release = message_get(m, "release");
        o->variant = message_get(m, "variant");
        o->mirror = message_get(m, "mirror");
        o->family = name ? family_find(name) : NULL;
        if (!o->family) {
                r = family_list(&known);
                return r < 0 ? r : fail(error, -EINVAL, "there is no distribution '%s': it can be one of %s", name ?: "", known);
        }
        if (!o->release || !release_valid(o->release))
                return fail(error, -EINVAL, "'%s' cannot be the name of a release", o->release ?: "");
        if (o->mirror && !mirror_valid(o->mirror))
                return fail(error, -EINVAL, "'%s' cannot be a mirror: it is a URL of http or https", o->mirror);
        r = message_get_strv(m, "include", include);
        if (r < 0)
                return r;
        STRV_FOREACH(p, *include)
                if (!package_valid(*p))
                        return fail(error, -EINVAL, "'%s' cannot be the name of a package", *p);
        o->include = *include;
        r = check_variant(o->family, o->variant, error);
        if (r < 0)
                return r;
        if (!have_program(o->family->builder->program))
                return fail(error, -ENOENT, "'%s' is needed to build '%s', and is not here: install the package '%s'", o->family->builder->program,
                            o->family->name, o->family->builder->package);
        r = find_keyring(m, o->family, o->release, keyring, error);
        if (r >= 0 && !o->mirror && o->family->mirror) {
                r = family_expand(o->family->mirror, o->release, mirror);
                o->mirror = *mirror;
        }
        o->keyring = *keyring;
        return r;
}

/* apt, dnf and all that they start know these. */
static int make_environment(const Message *m, char ***ret) {
        static const struct {
                const char *field, *variable;
        } proxies[] = { { "proxy-http", "http_proxy" }, { "proxy-https", "https_proxy" }, { "proxy-ignore", "no_proxy" } };
        static const char *const fixed[] = { "PATH=" PATH_FOR_BUILDERS, "HOME=" BOOTSTRAP_SCRATCH, "TMPDIR=" BOOTSTRAP_SCRATCH, "LC_ALL=C.UTF-8",
                                             "DEBIAN_FRONTEND=noninteractive", "TERM=dumb" };
        _cleanup_strv_ char **l = NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(fixed); i++)
                r = strv_extend(&l, fixed[i]);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(proxies); i++) {
                const char *value = message_get(m, proxies[i].field);

                if (!isempty(value))
                        r = strv_extendf(&l, "%s=%s", proxies[i].variable, value);
        }
        if (r >= 0)
                *ret = TAKE_PTR(l);
        return r;
}

/* What scripts of packages expect. It goes with the mount namespace. */
static int mount_in_root(void) {
        static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };

        if (mkdir(BOOTSTRAP_ROOT "/proc", 0755) < 0 || mkdir(BOOTSTRAP_ROOT "/dev", 0755) < 0 || mkdir(BOOTSTRAP_ROOT "/sys", 0755) < 0)
                return -errno;
        if (mount("proc", BOOTSTRAP_ROOT "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0 &&
            mount("/proc", BOOTSTRAP_ROOT "/proc", NULL, MS_BIND | MS_REC, NULL) < 0)
                return -errno;
        if (mount("tmpfs", BOOTSTRAP_ROOT "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755,size=1m") < 0)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(nodes); i++) {
                _cleanup_close_ int fd = -EBADF;
                char to[64], from[32];

                snprintf(to, sizeof to, BOOTSTRAP_ROOT "/dev/%s", nodes[i]);
                snprintf(from, sizeof from, "/dev/%s", nodes[i]);
                fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
                if (fd < 0 || mount(from, to, NULL, MS_BIND, NULL) < 0)
                        return -errno;
        }
        return symlink("/proc/self/fd", BOOTSTRAP_ROOT "/dev/fd") < 0 ? -errno : 0;
}

/* dpkg and rpm flush after every few files, as they must on a system that lives. Here all of it is thrown away when the host goes down half way, and the import
 * flushes what becomes the image. */
static int suppress_flushing(void) {
        static const int calls[] = {
                SCMP_SYS(sync), SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(syncfs), SCMP_SYS(sync_file_range), SCMP_SYS(msync),
        };
        scmp_filter_ctx filter;
        int r = 0;

        filter = seccomp_init(SCMP_ACT_ALLOW);
        if (!filter)
                return -ENOMEM;
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(calls); i++)
                r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(0), calls[i], 0);
        if (r >= 0)
                r = seccomp_load(filter);
        seccomp_release(filter);
        return r;
}

/* The first process of the pid namespace: when it ends, all that the builder has started ends. */
static void _noreturn_ be_first(char **argv, char **environment) {
        pid_t builder, pid;
        int status;

        builder = fork();
        if (builder == 0) {
                (void) execvpe(argv[0], argv, environment);
                (void) log_error_errno(errno, "Failed to execute '%s': %m", argv[0]);
                _exit(127);
        }
        while ((pid = waitpid(-1, &status, 0)) != builder)
                if (pid < 0 && errno != EINTR)
                        _exit(EXIT_FAILURE);
        _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void _noreturn_ run_child(const Order *o, char **environment, int go_fd) {
        _cleanup_strv_ char **argv = NULL;
        char byte;
        int r;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || read(go_fd, &byte, 1) != 1)
                _exit(EXIT_FAILURE);
        r = userns_become_root();
        if (r >= 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
                r = -errno;
        /* The old one, of a pid namespace above, would do for most programs. */
        if (r >= 0)
                (void) mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
        (void) umask(0022);
        if (r >= 0 && o->family->builder->mounts)
                r = mount_in_root();
        if (r >= 0)
                r = o->family->builder->arguments(o, &argv);
        if (r >= 0 && chdir("/") < 0)
                r = -errno;
        if (r >= 0)
                r = suppress_flushing();
        if (r < 0) {
                (void) log_error_errno(r, "Failed to prepare what is built in: %m");
                _exit(126);
        }
        be_first(argv, environment);
}

/* A process in namespaces of its own, root of the foreign range. */
static int start(const Order *o, char **environment, int *ret_pidfd, pid_t *ret_pid) {
        _cleanup_close_ int go_read = -EBADF, go_write = -EBADF;
        int pidfd = -EBADF, go[2], r;
        struct clone_args args = {
                .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_PIDFD,
                .exit_signal = SIGCHLD,
                .pidfd = (uint64_t) (uintptr_t) &pidfd,
        };
        pid_t pid;

        if (pipe2(go, O_CLOEXEC) < 0)
                return -errno;
        go_read = go[0];
        go_write = go[1];
        pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                go_write = fd_close(go_write);
                run_child(o, environment, go_read);
        }
        r = userns_write_maps(pid, &(const UidRange) { 0, foreign_uid_base(), UID_RANGE_SIZE }, 1);
        if (r >= 0 && write(go_write, "", 1) != 1)
                r = -errno;
        if (r < 0) {
                (void) kill(pid, SIGKILL);
                (void) child_wait(pid);
                (void) fd_close(pidfd);
                return r;
        }
        *ret_pidfd = pidfd;
        *ret_pid = pid;
        return 0;
}

/* Whoever asked is not there any more: neither has anything to go on. */
static int wait_for(int pidfd, pid_t pid, int *ret_status) {
        for (;;) {
                struct pollfd p[] = { { .fd = pidfd, .events = POLLIN }, { .fd = STDIN_FILENO, .events = POLLRDHUP } };

                if (poll(p, ELEMENTSOF(p), -1) < 0) {
                        if (errno == EINTR)
                                continue;
                        return -errno;
                }
                if (p[0].revents) {
                        *ret_status = child_wait(pid);
                        return 0;
                }
                if (p[1].revents) {
                        (void) kill(pid, SIGKILL);
                        (void) child_wait(pid);
                        return -ECANCELED;
                }
        }
}

static int run(const Order *o, char **environment, char **error) {
        _cleanup_close_ int pidfd = -EBADF;
        int r, status = 0;
        pid_t pid = 0;

        r = start(o, environment, &pidfd, &pid);
        if (r >= 0)
                r = wait_for(pidfd, pid, &status);
        if (r < 0)
                return r;
        return status == 0 ? 0 : fail(error, -EIO, "'%s' ended with status %d", o->family->builder->program, status);
}

static int serve(Message *m, Message *answer, char **error) {
        _cleanup_free_ char *mirror = NULL, *keyring = NULL;
        _cleanup_strv_ char **include = NULL, **environment = NULL;
        Order o = {};
        int r;

        r = take_order(m, &o, &include, &mirror, &keyring, error);
        if (r >= 0)
                r = make_environment(m, &environment);
        if (r >= 0)
                r = run(&o, environment, error);
        if (r >= 0)
                r = message_add(answer, "title", o.family->title);
        if (r >= 0)
                r = message_add(answer, "builder", o.family->builder->program);
        for (const char *l = o.family ? o.family->builder->leftovers : NULL; r >= 0 && l && *l; l += strlen(l) + 1)
                r = message_add(answer, "leftover", l);
        return r;
}

int main(int argc, char *argv[]) {
        _cleanup_(message_freep) Message *m = NULL, *answer = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        log_open("berth-bootstrap");
        if (argc > 1) {
                fprintf(stderr, "berth-bootstrap\n\nHas a root file system built for a job of berth's, which asks on standard input. Not for people.\n");
                return streq(argv[1], "--help") ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
                return EXIT_FAILURE;
        r = message_receive(STDIN_FILENO, &m);
        if (r >= 0)
                r = message_new(&answer);
        if (r < 0) {
                (void) log_error_errno(r, "Failed to receive a request: %m");
                return EXIT_FAILURE;
        }
        r = serve(m, answer, &error);
        if (message_add(answer, "event", r < 0 ? "failed" : "done") < 0 ||
            (r < 0 && (message_add(answer, "error", r == -EINVAL && error ? "argument" : "other") < 0 || message_add(answer, "value", error ?: strerror(-r)) < 0)) ||
            message_send(STDIN_FILENO, answer) < 0)
                return EXIT_FAILURE;
        return EXIT_SUCCESS;
}
