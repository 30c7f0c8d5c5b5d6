/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* A new container: its name and image are settled, the create or clone job makes its files. Answers the call m with name and path. */

typedef struct CreationOptions {
        bool ephemeral;
        bool force;                 /* also of an image for a foreign architecture */
        int key_fd;                 /* borrowed; the key of one that is to be encrypted; negative: it is not */
        const char *store;          /* NULL: what berth.conf says */
        uint64_t start_within_usec; /* an ephemeral one goes when it was not started by then; 0: it stays */
} CreationOptions;

/* name: "" for a generated one. image: an alias, a fingerprint or the beginning of one. */
int creation_start(Call *call, const char *name, const char *image, char *const *settings, const CreationOptions *options, sd_bus_message *m,
                   sd_bus_error *error);

/* The same as a copy of source, its settings with these over them. store: NULL is the source's. */
int creation_clone(Call *call, const Container *source, const char *snapshot, const char *name, char *const *settings, bool ephemeral, const char *store, sd_bus_message *m, sd_bus_error *error);
