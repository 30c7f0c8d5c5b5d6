/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* What this host offers to containers. Each is tried where it can be: a kernel's version says little about what it was built with and what
 * its administrator has forbidden. What is tried is done by a child in namespaces of its own, and gone with it. */

typedef enum CheckResult {
        CHECK_OK,
        CHECK_MISSING,
        CHECK_UNKNOWN, /* takes root to find out */
        _CHECK_RESULT_MAX,
} CheckResult;

typedef struct Check {
        const char *name;
        bool needed;         /* without it no container runs */
        const char *what;    /* in a few words */
        CheckResult (*look)(Ctl *c, char **ret_detail); /* detail: what was found, or what the kernel said; may stay NULL */
        const char *effect;  /* what does not work without it */
        const char *remedy;  /* how to get it */
} Check;

extern const Check check_table[];
extern const size_t check_table_size;

const char *check_result_to_string(CheckResult r);

/* kernel-trial.c: 0, or what the kernel said, -errno; -EPERM as a rule for who is not root. */
int trial_user_namespace(void);
int trial_namespaces(void);
int trial_overlay(void);
int trial_idmap(const char *path);
int trial_links(void);    /* veth and bridge */
int trial_nftables(void); /* 127: there is no nft */
int trial_seccomp_notify(void);
