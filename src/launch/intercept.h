/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/seccomp.h>
#include <stdio.h>
#include <systemd/sd-event.h>

#include "launch/intercept-filter.h"
#include "launch/namespaces.h"
#include "settings/settings.h"

/* System calls of a container that the supervisor answers (seccomp_unotify(2)): what the kernel refuses to a user namespace although it is
 * harmless, or answers with the host's figures. Each call is served by a process of its own, which is in the container's cgroup, so that its time
 * is the container's, and has a deadline: whatever the caller's memory, file systems or threads do, nobody else waits. */

#define INTERCEPT_CALLS_MAX 8U     /* served at once; others wait in the kernel */
#define INTERCEPT_NODES_MAX 1024U  /* that a container may be lent until its next start */
/* What the supervisor does for a call before it has a process of its own is the host's time. */
#define INTERCEPT_BURST 100U
#define INTERCEPT_BURST_USEC (100 * USEC_PER_MSEC)

typedef struct InterceptContext {
        const char *container;        /* borrowed, as all of the below; the supervisor fills it in as it gets to know it */
        const Settings *settings;
        const Namespaces *namespaces;
        const int *cgroup_fd;         /* a leaf of the container's scope */
        uint64_t started_usec;        /* CLOCK_BOOTTIME */
} InterceptContext;

typedef struct Intercept Intercept;

int intercept_new(sd_event *event, const InterceptContext *context, Intercept **ret);
Intercept *intercept_free(Intercept *i);
DEFINE_CLEANUP(Intercept *, intercept_free)

/* Takes the fd; it goes when nobody is left whose calls it is about. */
int intercept_add_listener(Intercept *i, int fd);

/* For who waits outside of the event loop: serves what is there. */
int intercept_dispatch(Intercept *i);

/* One call, as its process sees it. */
typedef struct InterceptCall {
        const InterceptContext *context;
        const struct seccomp_notif *request;
        int listener_fd;
} InterceptCall;

/* A call's handler returns 0, -errno, or this: the kernel is to do what it would have done. It has the caller's arguments again by then, which
 * is why it is only for what the kernel decides by itself. */
#define INTERCEPT_CONTINUE 1
/* Or this: it has answered. */
#define INTERCEPT_ANSWERED 2

/* What a node is called below /run until it is mounted; the supervisor takes the name away again. */
#define INTERCEPT_NODE_NAME_SIZE 32U
static inline void intercept_node_name_of(uint64_t id, char ret[static INTERCEPT_NODE_NAME_SIZE]) {
        snprintf(ret, INTERCEPT_NODE_NAME_SIZE, ".mknod-%llx", (unsigned long long) id);
}

int intercept_fsopen(const InterceptCall *c);
int intercept_mknod(const InterceptCall *c);
int intercept_mount(const InterceptCall *c);
int intercept_sysinfo(const InterceptCall *c);
