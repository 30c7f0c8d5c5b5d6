/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/plan.h"
#include "launch/templates.h"
#include "storage/rootfs.h"

/* Carries a plan out, inside the container's namespaces. */

typedef struct Setup {
        const Plan *plan;        /* borrowed */
        int root_mount_fd;       /* owned: the overlay, not attached yet */
        int sys_mount_fd;        /* owned: for PLAN_HOST_SYS, not attached yet */
        bool policy_namespace;   /* it may load AppArmor profiles */
        bool personalise;        /* this is the first start */
        bool renamed;            /* this is the first one under another name */
        const Templates *templates; /* borrowed */
        int root_fd;             /* owned, once PLAN_ROOT ran */
        int console_master_fd;   /* owned, once PLAN_CONSOLE ran */
        int console_slave_fd;    /* owned */
        int notify_fd;           /* owned, once PLAN_NOTIFY ran */
        unsigned hooks;          /* 1 << HookType, of those there are */
        int (*run_hook)(struct Setup *s, const char *hook, void *userdata);
        int (*wait_for_scope)(struct Setup *s, void *userdata);
        void *userdata;
        char *error;             /* owned: the sentence for a failed step */
} Setup;

#define SETUP_INIT { .root_mount_fd = -EBADF, .sys_mount_fd = -EBADF, .root_fd = -EBADF, .console_master_fd = -EBADF, .console_slave_fd = -EBADF, .notify_fd = -EBADF }

/* -errno and s->error on failure. */
int setup_run(Setup *s);
