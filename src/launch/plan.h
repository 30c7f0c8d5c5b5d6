/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>
#include <sys/types.h>

#include "basic/macro.h"
#include "settings/settings.h"

/* What will be done to start a container, as data: made from the settings without privileges, printed by --dry-run, carried out by setup.c.
 * The steps run in this order inside the container's namespaces, as root of its user namespace; targets are paths below its root and are
 * resolved only there. */

typedef enum PlanStepType {
        PLAN_ROOT,        /* the overlay of image and layer */
        PLAN_FILESYSTEM,  /* what: file system type; on target, a directory that is made when it is missing */
        PLAN_HOST_SYS,    /* sysfs of the host's network, read-only, on target: who does not own the network namespace cannot mount one */
        PLAN_SECURITYFS,  /* the host's on target, where it is of use: for AppArmor profiles of its own */
        PLAN_DIRECTORY,   /* below a file system of our own */
        PLAN_SYMLINK,     /* what: where to */
        PLAN_FILE,        /* what: its content */
        PLAN_DEVICE,      /* what: name below the host's /dev; its node, bound to target, or of a privileged container one of its own */
        PLAN_CONSOLE,     /* a pty of the container's devpts, bound to target; the master goes to the supervisor */
        PLAN_NOTIFY,      /* a datagram socket for sd_notify(3) at target; goes to the supervisor */
        PLAN_MASK,        /* target hidden: an empty directory or /dev/null over it; absent is fine */
        PLAN_READ_ONLY,   /* target bound over itself read-only; absent is fine */
        PLAN_WRITABLE,    /* target, below one that is read-only, bound over itself to be written to; absent is fine */
        PLAN_BOOT_ID,     /* a random boot id at target, a file of the kernel's, in the place of the host's */
        PLAN_PERSONALISE, /* host name and machine id, at the first start */
        PLAN_TEMPLATES,   /* those of the image, as far as they are for this start */
        PLAN_WRITE,       /* what: the content of a file of the guest's own, which is replaced */
        PLAN_HOSTNAME,    /* what: the name */
        PLAN_LOOPBACK,    /* lo up */
        PLAN_SCOPE,       /* waits until PID 1 has moved us into the scope, then a cgroup namespace with it as the root */
        PLAN_HOOK,        /* what: the hook; the supervisor runs it in this mount namespace */
        PLAN_CGROUP,      /* cgroup2 on target; after PLAN_SCOPE */
        PLAN_PIVOT,       /* the new root becomes the only one */
        _PLAN_STEP_MAX,
        _PLAN_STEP_INVALID = -EINVAL,
} PlanStepType;

const char *plan_step_type_to_string(PlanStepType t);
PlanStepType plan_step_type_from_string(const char *s);

typedef struct PlanStep {
        PlanStepType type;
        char *target;            /* owned */
        char *what;              /* owned, by type */
        char **options;          /* owned: mount options */
        unsigned attributes;     /* MOUNT_ATTR_* */
        mode_t mode;
} PlanStep;

typedef struct Plan {
        char *name;              /* owned */
        const Settings *settings; /* borrowed, outlives us */
        PlanStep *steps;         /* owned */
        size_t n_steps;
        char **environment;      /* owned: of the payload's PID 1 and the base of every exec */
        char **init;             /* owned: candidates when there is no Init= setting, or its argv */
        bool init_is_candidates;
        bool host_network;       /* no network namespace of its own */
} Plan;

int plan_new(const char *name, const Settings *settings, Plan **ret);
Plan *plan_free(Plan *p);
DEFINE_CLEANUP(Plan *, plan_free)

void plan_print(const Plan *p, FILE *f);
