/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/seccomp-program.h"
#include "settings/settings.h"

/* Which filter a container gets. Without settings of its own it is the one that was compiled with berth; else the policy is written down from
 * the settings, compiled by berth-seccomp, and kept under a name made of its text, for all containers with the same settings and all starts until
 * the host's next boot. */

#define SECCOMP_DIRECTORY BERTH_LIBEXECDIR "/seccomp"
#define SECCOMP_DEFAULT_PROGRAM SECCOMP_DIRECTORY "/default.bpf"
#define SECCOMP_NESTING_PROGRAM SECCOMP_DIRECTORY "/nesting.bpf"
#define SECCOMP_CACHE_DIRECTORY BERTH_RUNTIME_DIR "/.seccomp"

bool seccomp_policy_is_default(const Settings *s);

/* What differs from the default policy, one directive a line; "" for nothing. */
int seccomp_policy_text(const Settings *s, char **ret);

/* On failure *ret_error may be a sentence. *ret_path: where the program comes from. */
int seccomp_policy_load(const Settings *s, SeccompProgram *ret, char **ret_path, char **ret_error);
