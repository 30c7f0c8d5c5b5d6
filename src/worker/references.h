/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Who names an image or a layer: containers and their snapshots, by "Image=" and "Layers=" of their container.conf. Nothing counts references;
 * whoever drops the last one looks at all files.
 *
 * A reference is added under a shared lock on layers/, while a container that has the same one is locked or the layer is new; what
 * nobody names is removed under an exclusive one. So it is not overlooked on its way from one container to another. */

typedef struct References {
        char **words; /* sorted */
        size_t n;
} References;

void references_done(References *r);

/* Those of all but the container `except` (may be NULL). A file that cannot be read is an error: it may name anything. */
int references_read(int state_fd, const char *except, References *ret);
/* Those of one container and its snapshots alone; each once. */
int references_read_container(int container_fd, References *ret);
bool references_have(const References *r, const char *word);

/* layers/, locked. */
int references_lock(int state_fd, int operation, int *ret_fd);
