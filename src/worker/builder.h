/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

/* The bootstrap job's other half that has the network: berth-bootstrap, in a unit of its own, builds a tree. */

typedef struct Built {
        char *title, *builder; /* owned: of the distribution, for people; of the program that has built */
        char **leftovers;      /* owned: paths below the tree that are no part of the image */
} Built;

void built_done(Built *b);

/* directory: absolute, of the tree that is made, empty, its owner the first of the foreign range. When this returns nobody writes to it any more. What the builder says
 * goes to the journal, to log_fd (negative: to nobody else), and into the job's progress. Fails with a sentence. */
int builder_run(Job *j, const char *directory, int keyring_fd, int log_fd, Built *ret);
