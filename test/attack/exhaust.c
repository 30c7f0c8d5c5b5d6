/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Takes of one thing as much as there is, says how many and what ended it ("N ERROR"), and holds it until its standard input ends. One that gets
 * MAXIMUM stops there, with the error "none". */

typedef struct Thing {
        const char *name;
        long (*take)(long maximum, int *ret_error); /* how many; in a process that stays */
} Thing;

static long take_inotify(long maximum, int *ret_error) {
        long n;

        for (n = 0; n < maximum; n++)
                if (inotify_init1(IN_CLOEXEC) < 0) {
                        *ret_error = errno;
                        break;
                }
        return n;
}

static long take_ptys(long maximum, int *ret_error) {
        long n;

        for (n = 0; n < maximum; n++)
                if (open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) < 0) {
                        *ret_error = errno;
                        break;
                }
        return n;
}

static long take_signals(long maximum, int *ret_error) {
        sigset_t all;
        long n;

        sigfillset(&all);
        (void) sigprocmask(SIG_BLOCK, &all, NULL);
        for (n = 0; n < maximum; n++)
                if (sigqueue(getpid(), SIGRTMIN + 1, (union sigval) { .sival_int = 1 }) < 0) {
                        *ret_error = errno;
                        break;
                }
        return n;
}

static long take_queues(long maximum, int *ret_error) {
        struct mq_attr attributes = { .mq_maxmsg = 10, .mq_msgsize = 1024 };
        char name[64];
        long n;

        for (n = 0; n < maximum; n++) {
                (void) snprintf(name, sizeof name, "/probe-%d-%ld", (int) getpid(), n);
                if (mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attributes) < 0) {
                        *ret_error = errno;
                        break;
                }
                (void) mq_unlink(name);
        }
        return n;
}

/* An fd keeps each, and as many processes as it takes have the fds. */
static long take_namespaces(long maximum, int *ret_error) {
        struct { long n; int error; } answer;
        long n = 0;

        do {
                int fds[2];
                pid_t pid;

                answer.n = 0;
                answer.error = 0;
                if (pipe(fds) < 0 || (pid = fork()) < 0) {
                        *ret_error = errno;
                        return n;
                }
                if (pid == 0) {
                        for (; answer.n < maximum - n; answer.n++)
                                if (unshare(CLONE_NEWUTS) < 0 || open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC) < 0) {
                                        answer.error = errno;
                                        break;
                                }
                        if (write(fds[1], &answer, sizeof answer) == sizeof answer)
                                for (;;)
                                        (void) pause();
                        _exit(1);
                }
                (void) close(fds[1]);
                if (read(fds[0], &answer, sizeof answer) != sizeof answer)
                        answer.error = EIO;
                (void) close(fds[0]);
                n += answer.n;
        } while (answer.error == EMFILE);
        *ret_error = answer.error;
        return n;
}

/* One in each process, as some kinds need it; unlike above, as many as there may be processes. */
static long take_kind(int kind, long maximum, int *ret_error) {
        long n;

        for (n = 0; n < maximum && *ret_error == 0; n++) {
                int fds[2], error = EIO;
                pid_t pid;

                if (pipe(fds) < 0 || (pid = fork()) < 0) {
                        *ret_error = errno;
                        break;
                }
                if (pid == 0) {
                        error = unshare(kind) < 0 ? errno : 0;
                        if (write(fds[1], &error, sizeof error) == sizeof error && error == 0)
                                for (;;)
                                        (void) pause();
                        _exit(1);
                }
                (void) close(fds[1]);
                if (read(fds[0], &error, sizeof error) != sizeof error || error != 0) {
                        *ret_error = error;
                        n--;
                }
                (void) close(fds[0]);
        }
        return n;
}

#define KIND(name, kind)                                                \
        static long take_##name(long maximum, int *ret_error) {         \
                return take_kind(kind, maximum, ret_error);             \
        }
KIND(cgroup_ns, CLONE_NEWCGROUP)
KIND(ipc_ns, CLONE_NEWIPC)
KIND(mnt_ns, CLONE_NEWNS)
KIND(net_ns, CLONE_NEWNET)
KIND(pid_ns, CLONE_NEWPID)
KIND(time_ns, CLONE_NEWTIME)
KIND(user_ns, CLONE_NEWUSER)
KIND(uts_ns, CLONE_NEWUTS)

static long take_fanotify(long maximum, int *ret_error) {
        long n;

        for (n = 0; n < maximum; n++)
                if (fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC, O_RDONLY) < 0) {
                        *ret_error = errno;
                        break;
                }
        return n;
}

static long take_mounts(long maximum, int *ret_error) {
        long n;

        if (unshare(CLONE_NEWNS) < 0 || mount("probe", "/tmp", "tmpfs", 0, NULL) < 0) {
                *ret_error = errno;
                return 0;
        }
        for (n = 0; n < maximum; n++)
                if (mount("/tmp", "/tmp", NULL, MS_BIND, NULL) < 0) {
                        *ret_error = errno;
                        break;
                }
        return n;
}

static long take_cgroups(long maximum, int *ret_error) {
        char path[128];
        long n;

        if (mkdir("/sys/fs/cgroup/probe", 0755) < 0 && errno != EEXIST) {
                *ret_error = errno;
                return 0;
        }
        for (n = 0; n < maximum; n++) {
                (void) snprintf(path, sizeof path, "/sys/fs/cgroup/probe/%ld", n);
                if (mkdir(path, 0755) < 0) {
                        *ret_error = errno;
                        break;
                }
        }
        return n;
}

static long take_cgroup_depth(long maximum, int *ret_error) {
        long n;

        if (chdir("/sys/fs/cgroup") < 0) {
                *ret_error = errno;
                return 0;
        }
        for (n = 0; n < maximum; n++)
                if (mkdir("probe-deep", 0755) < 0 || chdir("probe-deep") < 0) {
                        *ret_error = errno;
                        break;
                }
        return n;
}

static const Thing things[] = {
        { "inotify", take_inotify },   { "ptys", take_ptys },         { "signals", take_signals },           { "queues", take_queues },     { "namespaces", take_namespaces },
        { "cgroup-ns", take_cgroup_ns }, { "ipc-ns", take_ipc_ns },   { "mnt-ns", take_mnt_ns },             { "net-ns", take_net_ns },     { "pid-ns", take_pid_ns },
        { "time-ns", take_time_ns },   { "user-ns", take_user_ns },   { "uts-ns", take_uts_ns },             { "fanotify", take_fanotify },
        { "mounts", take_mounts },     { "cgroups", take_cgroups },   { "cgroup-depth", take_cgroup_depth },
};

static void hold(const Thing *thing, long maximum) {
        struct rlimit files;
        int error = 0;
        long n;
        char byte;

        /* Of one's own it may be as many as the hard limit. */
        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                (void) setrlimit(RLIMIT_NOFILE, &files);
        }
        n = thing->take(maximum, &error);
        printf("%ld %s\n", n, error == 0 ? "none" : strerrorname_np(error));
        (void) fflush(stdout);
        while (read(STDIN_FILENO, &byte, 1) > 0)
                ;
        /* Whatever was made is in our process group. */
        (void) signal(SIGTERM, SIG_IGN);
        (void) kill(0, SIGTERM);
        exit(0);
}

/* exhaust THING [MAXIMUM] */
void topic_exhaust(char **arguments) {
        (void) setpgid(0, 0);
        for (size_t i = 0; arguments[0] && i < sizeof things / sizeof things[0]; i++)
                if (strcmp(arguments[0], things[i].name) == 0)
                        hold(things + i, arguments[1] ? strtol(arguments[1], NULL, 10) : 100000);
        fprintf(stderr, "probe: exhaust what?\n");
        exit(2);
}
