/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "basic/macro.h"

/* A compiled filter, mapped from its file: the pages are shared with every other supervisor. */
typedef struct SeccompProgram {
        void *data;
        size_t size;      /* of the program */
        size_t map_size;  /* of the file */
} SeccompProgram;

/* With a text: the file is one that was sealed with it, and -ESTALE says that it was sealed with another. */
int seccomp_program_load(const char *path, const char *text, SeccompProgram *ret);
void seccomp_program_done(SeccompProgram *p);

/* Writes behind a program, to the end of its file, the text it was made of. */
int seccomp_program_seal(int fd, const char *text);

/* Applies it to the calling process, for good. Needs CAP_SYS_ADMIN of the own user namespace or no_new_privs (seccomp(2)). */
int seccomp_program_apply(const SeccompProgram *p);
