/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/template/value.h"

/* The expressions of templates: names with dots and brackets, texts, numbers, comparison, and, or, not, in, + - * / %, filters, and the one
 * function config_get("key", "default"). Evaluated as they are read. */

#define EXPRESSION_DEPTH_MAX 64U
#define TEMPLATE_WORK_MAX 1000000U /* values looked at and pieces of text put out, of one template */

typedef struct Evaluation {
        Arena *arena;
        Value *variables;  /* a map, the innermost first */
        const char *p, *end; /* what is left to read */
        size_t work;
        unsigned depth;
        char *error;       /* a buffer of EVALUATION_ERROR_SIZE */
} Evaluation;

#define EVALUATION_ERROR_SIZE 256U

/* All of these: -EBADMSG with a reason in e->error. */
int evaluation_fail(Evaluation *e, const char *reason, const char *what, size_t what_size);
int evaluation_work(Evaluation *e);
int expression_evaluate(Evaluation *e, Value **ret);

/* For tags: the next word, and whether nothing is left. */
void expression_skip_blanks(Evaluation *e);
size_t expression_name(Evaluation *e, const char **ret); /* 0: there is none */
bool expression_take(Evaluation *e, const char *token);
