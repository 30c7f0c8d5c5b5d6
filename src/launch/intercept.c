/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/intercept.h"

#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "launch/node.h"

static const struct {
        long number;
        int (*function)(const InterceptCall *c);
        uint64_t timeout_usec;
        bool lends_node;
} handlers[] = {
#ifdef SYS_mknod
        { SYS_mknod, intercept_mknod, 10 * USEC_PER_SEC, true },
#endif
        { SYS_mknodat, intercept_mknod, 10 * USEC_PER_SEC, true },
        { SYS_fsopen, intercept_fsopen, 10 * USEC_PER_SEC, false },
        { SYS_mount, intercept_mount, 60 * USEC_PER_SEC, false },
        { SYS_sysinfo, intercept_sysinfo, 10 * USEC_PER_SEC, false },
};

typedef struct Listener {
        Intercept *intercept; /* borrowed */
        struct Listener *next;
        int fd;               /* owned */
        sd_event_source *source;
        unsigned users;       /* its place in the list, and calls that are being served */
} Listener;

typedef struct Served {
        Intercept *intercept; /* borrowed; NULL: a free slot */
        Listener *listener;
        uint64_t id;
        int pidfd;            /* owned */
        bool lends_node;
        sd_event_source *source, *timer;
} Served;

struct Intercept {
        sd_event *event;
        InterceptContext context;
        Listener *listeners;
        Served served[INTERCEPT_CALLS_MAX];
        unsigned n_served, n_nodes;
};

static void reply(int fd, uint64_t id, int result) {
        struct seccomp_notif_resp r = {
                .id = id,
                .error = result < 0 ? result : 0,
                .flags = result == INTERCEPT_CONTINUE ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0,
        };

        /* Who is gone, or has been answered, needs no answer. */
        (void) ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void listener_unref(Listener *l) {
        if (--l->users > 0)
                return;
        sd_event_source_disable_unref(l->source);
        (void) fd_close(l->fd);
        free(l);
}

static void drop_listener(Listener *l) {
        for (Listener **p = &l->intercept->listeners; *p; p = &(*p)->next)
                if (*p == l) {
                        *p = l->next;
                        break;
                }
        l->source = sd_event_source_disable_unref(l->source);
        listener_unref(l);
}

static void listen_or_not(Intercept *i) {
        for (Listener *l = i->listeners; l; l = l->next)
                (void) sd_event_source_set_enabled(l->source, i->n_served < INTERCEPT_CALLS_MAX ? SD_EVENT_ON : SD_EVENT_OFF);
}

static void finish(Served *s, bool kill) {
        Intercept *i = s->intercept;
        siginfo_t si = {};

        if (kill)
                (void) pidfd_send_signal(s->pidfd, SIGKILL, NULL, 0);
        (void) waitid(P_PIDFD, (id_t) s->pidfd, &si, WEXITED);
        if (s->lends_node) {
                char name[INTERCEPT_NODE_NAME_SIZE];

                intercept_node_name_of(s->id, name);
                node_forget(i->context.container, name);
        }
        if (si.si_code != CLD_EXITED || si.si_status != EXIT_SUCCESS)
                reply(s->listener->fd, s->id, -EIO);
        sd_event_source_disable_unref(s->source);
        sd_event_source_disable_unref(s->timer);
        (void) fd_close(s->pidfd);
        listener_unref(s->listener);
        *s = (Served) {};
        i->n_served--;
        listen_or_not(i);
}

static int on_served(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        finish(userdata, false);
        return 0;
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata) {
        finish(userdata, true);
        return 0;
}

static _noreturn_ void serve(const Intercept *i, const Listener *l, const struct seccomp_notif *request, int (*function)(const InterceptCall *c)) {
        const InterceptCall call = { .context = &i->context, .request = request, .listener_fd = l->fd };
        sigset_t none;
        int r;

        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        r = function(&call);
        if (r != INTERCEPT_ANSWERED)
                reply(l->fd, request->id, r);
        _exit(EXIT_SUCCESS);
}

static int begin(Intercept *i, Listener *l, const struct seccomp_notif *request, size_t handler) {
        Served *s = i->served;
        struct clone_args args = {
                .flags = CLONE_PIDFD | CLONE_INTO_CGROUP,
                .exit_signal = SIGCHLD,
                .cgroup = (uint64_t) (unsigned) *i->context.cgroup_fd,
        };
        int r, pidfd = -EBADF;
        pid_t pid;

        while (s->intercept)
                s++;
        args.pidfd = (uint64_t) (uintptr_t) &pidfd;
        pid = (pid_t) syscall(SYS_clone3, &args, sizeof args);
        if (pid < 0)
                return -errno;
        if (pid == 0)
                serve(i, l, request, handlers[handler].function);

        *s = (Served) { .intercept = i, .listener = l, .id = request->id, .pidfd = pidfd, .lends_node = handlers[handler].lends_node };
        l->users++;
        i->n_served++;
        r = sd_event_add_io(i->event, &s->source, s->pidfd, EPOLLIN, on_served, s);
        if (r >= 0)
                r = sd_event_add_time_relative(i->event, &s->timer, CLOCK_MONOTONIC, handlers[handler].timeout_usec, 0, on_deadline, s);
        if (r < 0)
                finish(s, true);
        listen_or_not(i);
        return 0;
}

static void receive(Listener *l) {
        Intercept *i = l->intercept;
        struct seccomp_notif request = {};
        int r = -ENOSYS;

        /* Between the event and this the caller may have been killed. */
        if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
                return;
        for (size_t h = 0; h < ELEMENTSOF(handlers); h++) {
                if (handlers[h].number != request.data.nr)
                        continue;
                if (handlers[h].lends_node && i->n_nodes++ >= INTERCEPT_NODES_MAX)
                        r = -ENOSPC;
                else
                        r = begin(i, l, &request, h);
                break;
        }
        if (r < 0)
                reply(l->fd, request.id, r);
}

static int on_call(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Listener *l = userdata;

        if (events & EPOLLIN)
                receive(l);
        else
                drop_listener(l);
        return 0;
}

int intercept_add_listener(Intercept *i, int fd) {
        Listener *l = calloc(1, sizeof *l);
        int r;

        if (!l) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        *l = (Listener) { .intercept = i, .next = i->listeners, .fd = fd, .users = 1 };
        i->listeners = l;
        r = sd_event_add_io(i->event, &l->source, l->fd, EPOLLIN, on_call, l);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(l->source, INTERCEPT_BURST_USEC, INTERCEPT_BURST);
        if (r < 0)
                drop_listener(l);
        else
                listen_or_not(i);
        return r;
}

int intercept_dispatch(Intercept *i) {
        for (size_t s = 0; s < INTERCEPT_CALLS_MAX; s++)
                if (i->served[s].intercept && poll(&(struct pollfd) { .fd = i->served[s].pidfd, .events = POLLIN }, 1, 0) == 1)
                        finish(&i->served[s], false);
        for (Listener *l = i->listeners; l && i->n_served < INTERCEPT_CALLS_MAX; l = l->next)
                if (poll(&(struct pollfd) { .fd = l->fd, .events = POLLIN }, 1, 0) == 1)
                        receive(l);
        return 0;
}

int intercept_new(sd_event *event, const InterceptContext *context, Intercept **ret) {
        Intercept *i = calloc(1, sizeof *i);

        if (!i)
                return -ENOMEM;
        *i = (Intercept) { .event = sd_event_ref(event), .context = *context };
        *ret = i;
        return 0;
}

Intercept *intercept_free(Intercept *i) {
        if (!i)
                return NULL;
        for (size_t s = 0; s < INTERCEPT_CALLS_MAX; s++)
                if (i->served[s].intercept)
                        finish(&i->served[s], true);
        while (i->listeners)
                drop_listener(i->listeners);
        sd_event_unref(i->event);
        free(i);
        return NULL;
}
