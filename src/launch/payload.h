/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "launch/intercept.h"
#include "launch/plan.h"
#include "launch/seccomp-program.h"
#include "launch/templates.h"
#include "storage/rootfs.h"

/* The payload's first process, from clone to exec. Supervisor and child talk over a socket pair: the child does nothing irreversible
 * before the supervisor has said that its side is there, and dies when the supervisor does. */

typedef enum PayloadKind {
        PAYLOAD_SYSTEMD, /* SIGRTMIN+3 powers off, SIGINT reboots, READY=1 is sent */
        PAYLOAD_BUSYBOX, /* SIGUSR2 powers off, SIGTERM reboots */
        PAYLOAD_INIT,    /* some other init: SIGPWR, as LXC does */
        PAYLOAD_PROGRAM, /* Init= names it, or it is under the stub init: SIGTERM */
        _PAYLOAD_KIND_MAX,
        _PAYLOAD_KIND_INVALID = -EINVAL,
} PayloadKind;

const char *payload_kind_to_string(PayloadKind k);
PayloadKind payload_kind_from_string(const char *s);

typedef struct Payload {
        pid_t pid;
        pid_t outer;        /* the process that made it, until it has been waited for */
        int pidfd;          /* owned */
        int socket_fd;      /* owned: our end of the pair, until it runs */
        int console_fd;     /* owned: master of the console's pty */
        int notify_fd;      /* owned: the guest's sd_notify socket */
        PayloadKind kind;   /* valid once prepared */
        int (*on_hook)(HookType type, void *userdata, char **ret_error);
        void *userdata;
        Intercept *intercept; /* borrowed: takes the listener; NULL: there is none */
        const char *label;    /* borrowed: what AppArmor is to call it; NULL: whatever the supervisor is called */
} Payload;

#define PAYLOAD_NONE { .pidfd = -EBADF, .socket_fd = -EBADF, .console_fd = -EBADF, .notify_fd = -EBADF }

void payload_done(Payload *p);

typedef struct PayloadContext {
        const Plan *plan;               /* borrowed */
        const SeccompProgram *seccomp;  /* borrowed */
        RootfsLayers *layers;           /* taken */
        bool personalise, renamed;
        const Templates *templates;     /* borrowed */
        unsigned hooks;                 /* 1 << HookType, of those there are */
        int (*on_hook)(HookType type, void *userdata, char **ret_error); /* the payload waits in its mount namespace */
        void *userdata;                 /* has its pid when it is called */
        Intercept *intercept;           /* borrowed */
        const char *label;              /* borrowed: as the payload's */
        bool policy_namespace;          /* is it to load AppArmor profiles of its own? */
} PayloadContext;

/* Begins to clone it into its namespaces, by way of a process that mounts its root. */
int payload_clone(const PayloadContext *c, Payload *ret, char **ret_error);
/* On failure of any of these *ret_error is the child's own sentence, when it had one. */
int payload_wait_cloned(Payload *p, char **ret_error);   /* it has a pid, and sets itself up until it needs the scope */
int payload_wait_prepared(Payload *p, char **ret_error); /* all but what needs the scope; console and notify socket are here */
int payload_scope_is_there(Payload *p);                  /* it goes on to what needs the scope */
int payload_wait_ready(Payload *p, char **ret_error);
int payload_exec(Payload *p, char **ret_error);           /* returns when the program has been executed */
