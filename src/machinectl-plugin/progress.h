/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "basic/macro.h"

/* One line on a terminal that says how far a job is. */

typedef struct Progress {
        FILE *f;              /* NULL: no terminal, nothing is drawn */
        uint64_t begin_usec;  /* short jobs draw nothing */
        bool drawn;
} Progress;

void progress_begin(Progress *p, FILE *f);
/* fraction: 0…1, negative when unknown */
void progress_draw(Progress *p, double fraction, const char *status);
void progress_clear(Progress *p);

/* The line itself, at most width columns: "[=====>    ]  42% unpacking". For tests. */
int progress_format(double fraction, const char *status, size_t width, char **ret);
