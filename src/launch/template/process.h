/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/template/value.h"

/* A template rendered by a process of its own: without files, without system calls, with a deadline. */

typedef struct Rendering {
        char *output; /* owned by the rendering's memory; valid until rendering_done() */
        size_t size;
        void *memory; /* owned */
} Rendering;

void rendering_done(Rendering *r);

/* *ret_error is a reason, with the line where there is one. */
int template_render_apart(Arena *arena, const Value *variables, const char *text, size_t size, Rendering *ret, char **ret_error);
