/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "settings/settings.h"
#include "worker/job.h"
#include "worker/overlay.h"

/* A container while it is made, by create or clone: a directory that nobody sees, a range of ids, and the rename that makes it one. What is not
 * finished is removed with it. */

typedef struct NewContainer {
        Job *job;         /* borrowed, as name */
        const char *name;
        char *temporary;  /* .new-ID in containers/; NULL when it has its name, or was never made */
        int containers_fd;
        int fd;           /* the directory, locked */
        int profiles_fd;  /* no profile is renamed or deleted meanwhile */
        int hold_fd;      /* the lease of its ids is not collected */
        uint32_t uid_base; /* 0: none taken */
        OverlayLayer layer; /* its own to write */
} NewContainer;

#define NEW_CONTAINER_NONE (NewContainer) { .containers_fd = -EBADF, .fd = -EBADF, .profiles_fd = -EBADF, .hold_fd = -EBADF, .layer = OVERLAY_LAYER_NONE }

/* All of them fail with a sentence. */
int new_container_check_name(Job *j, const char *name);
int new_container_begin(Job *j, const char *name, NewContainer *ret);
void new_container_done(NewContainer *n);

/* What is another one for each container; Ephemeral= as the request says. */
int new_container_identify(Job *j, const NewContainer *n, SettingsFile *f);
/* With the layer in its place; of all that is made it comes last. */
int new_container_write_conf(Job *j, NewContainer *n, SettingsFile *f, char *const *below);

/* Durable, and under its name. */
int new_container_finish(Job *j, NewContainer *n);
