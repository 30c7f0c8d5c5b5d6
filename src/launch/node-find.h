/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "settings/device.h"

/* Which nodes of the host a device stands for: the one of its path, or all whose device fits what is said of it, as sysfs knows them. */

typedef struct FoundNode {
        char *path; /* inside */
        mode_t type;
        dev_t device;
} FoundNode;

typedef struct FoundNodes {
        FoundNode *items; /* owned */
        size_t n;
} FoundNodes;

void found_nodes_done(FoundNodes *l);
bool found_nodes_have(const FoundNodes *l, const FoundNode *node);
int found_nodes_add(FoundNodes *l, const char *path, mode_t type, dev_t device);
void found_nodes_remove(FoundNodes *l, size_t at);

/* root: "" but for tests. None is no failure. On failure *ret_error is the end of a sentence. */
int nodes_find(const Device *d, const char *root, FoundNodes *ret, char **ret_error);
