/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "basic/macro.h"

/* A compiled filter, mapped from its file: the pages are shared with every other supervisor. */
typedef struct SeccompProgram {
        void *data;
        size_t size;
} SeccompProgram;

int seccomp_program_load(const char *path, SeccompProgram *ret);
void seccomp_program_done(SeccompProgram *p);

/* Applies it to the calling process, for good. Needs CAP_SYS_ADMIN of the own user namespace or no_new_privs (seccomp(2)). */
int seccomp_program_apply(const SeccompProgram *p);
