/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/table.h"

/* LXD's keys whose values mean something else than those of one of our settings, or which stand for several of them. Keys that are just
 * another name are in the table itself. */

typedef struct LxdKey {
        const char *key;
#define LXD_KEY_NAMES_MAX 3U
        const char *names[LXD_KEY_NAMES_MAX];  /* of the settings that it stands for; all are replaced */
        /* Adds "Name=value" assignments, none takes all back. -EINVAL, with a whole sentence perhaps. */
        int (*translate)(const char *value, char ***assignments, char **ret_reason);
        const char *expects;
        const char *example;
} LxdKey;

extern const LxdKey lxd_keys[];
extern const size_t n_lxd_keys;

const LxdKey *lxd_key_find(const char *key); /* NULL: none of these */
/* -EINVAL with a sentence that names key and value. */
int lxd_key_translate(const LxdKey *k, const char *value, char ***ret_assignments, char **ret_error);
