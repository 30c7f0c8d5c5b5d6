/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/template/value.h"

/* The part of pongo2, LXD's language of templates, that public images use: {{ expression }}, {# comment #}, {% if elif else endif %},
 * {% for x in y %}, {% for k, v in y %}, {% empty %}, {% set x = y %}, {% comment %}, {% autoescape %} (nothing is ever escaped), and "-" at
 * either side of a tag. Nothing in it reads or writes a file. */

#define TEMPLATE_SIZE_MAX (1024U * 1024U)
#define TEMPLATE_OUTPUT_MAX (4U * 1024U * 1024U)
#define TEMPLATE_NESTING_MAX 32U
#define TEMPLATE_ERROR_MAX 300U

/* variables: a map of trigger, path, container, config, devices, properties. Makes no system call. -EBADMSG: error is "line N: reason". */
int template_render(Arena *arena, const Value *variables, const char *text, size_t size, char *output, size_t output_max, size_t *ret_size,
                    char error[static TEMPLATE_ERROR_MAX]);
