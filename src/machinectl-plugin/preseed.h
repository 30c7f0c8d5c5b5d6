/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* The state that `berthctl init --preseed` is to bring about, in YAML as LXD has it: config, networks, storage_pools, profiles. It is read and checked as
 * a whole before anything is done, what berth does not have is refused by its name, and when a step fails the steps before it are undone. */

typedef struct PreseedProfile {
        char *name;
        char *before; /* text of what is there; NULL: nothing */
        char *text;   /* what it is to be */
} PreseedProfile;

/* A storage pool becomes a store. */
typedef struct PreseedPool {
        const char *type;
        char *pool, *name; /* LXD's one is mostly called default, which is no name that a store of berth's can be given: it is called as its type */
        char **settings;
        bool there;        /* and stays as it is */
} PreseedPool;

typedef struct Preseed {
        char **settings; /* owned: KEY=VALUE of the server */
        PreseedProfile *profiles;
        size_t n_profiles;
        PreseedPool *pools;
        size_t n_pools;
} Preseed;

#define PRESEED_SIZE_MAX (1024U * 1024U)

Preseed *preseed_free(Preseed *p);
DEFINE_CLEANUP(Preseed *, preseed_free)

/* Both report failures. */
int preseed_read(Ctl *c, const char *text, size_t size, Preseed **ret);
int preseed_apply(Ctl *c, const Preseed *p);
/* What is there now, as a preseed. */
int preseed_dump(Ctl *c);
