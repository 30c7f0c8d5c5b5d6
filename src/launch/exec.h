/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "launch/intercept.h"
#include "launch/namespaces.h"
#include "launch/plan.h"
#include "launch/seccomp-program.h"

/* A command in the running container: one clone straight into the container's pid namespace and cgroup, no migration. */

typedef struct ExecContext {
        const Plan *plan;               /* borrowed, as all of this */
        const SeccompProgram *seccomp;
        const Namespaces *namespaces;
        int cgroup_fd;                  /* the leaf for processes from outside */
        Intercept *intercept;           /* NULL: no calls are intercepted */
        const char *label;              /* AppArmor's; NULL: none */
        bool policy_namespace;          /* it loads AppArmor profiles of its own */
} ExecContext;

typedef struct ExecRequest {
        char **argv, **environment;     /* owned */
        char *user, *working_directory; /* owned; NULL: root, the user's home */
        bool tty;
        unsigned rows, columns;
        int stdio[3];                   /* owned unless tty */
} ExecRequest;

#define EXEC_REQUEST_NONE { .stdio = { -EBADF, -EBADF, -EBADF } }

void exec_request_done(ExecRequest *r);

typedef struct ExecProcess {
        pid_t pid;
        int pidfd;      /* owned */
        int report_fd;  /* owned: readable when exec_process_report() has something to tell */
        int master_fd;  /* owned: of the pty, once it is there; the caller's in the end */
        int listener_fd; /* owned: of its intercepted calls, in the same way */
        const char *label; /* borrowed */
} ExecProcess;

#define EXEC_PROCESS_NONE { .pidfd = -EBADF, .report_fd = -EBADF, .master_fd = -EBADF, .listener_fd = -EBADF }

void exec_process_done(ExecProcess *p);

/* The caller has joined the container's pid namespace for its children (setns(2), CLONE_NEWPID). */
int exec_start(const ExecContext *c, ExecRequest *request, ExecProcess *ret);

/* What the child says next: 1 when the command runs, 0 when the pty or the listener came, or its label was what it should be, -EREMOTEIO with a shell's exit code (125…127) and a sentence when it
 * cannot be run. */
int exec_process_report(ExecProcess *p, int *ret_code, char **ret_error);
