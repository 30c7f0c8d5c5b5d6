/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include "settings/settings.h"
#include "shared/image-templates.h"

/* The templates of a container's image: read by the supervisor, who may read images; rendered by a process that can do nothing but compute
 * (SECCOMP_MODE_STRICT); written by the container's own root. They run as LXD does it: at the first start those for create, or for copy when
 * the container is one; then, as at every start, those for start. */

#define TEMPLATES_SIZE_MAX (8U * 1024U * 1024U) /* of all that one start needs */

typedef struct Templates {
        ImageTemplates list;
        char **texts;        /* owned, one for each of the list; NULL: not needed now */
        size_t *sizes;
        bool first, copied;
} Templates;

void templates_done(Templates *t);

/* first: nothing has run in it yet; copied: it is a copy of another container. Nothing to do is no error. */
int templates_load(const Settings *s, bool first, bool copied, Templates *ret, char **ret_error);

/* In the container's namespaces, as its root. */
int templates_apply(const Templates *t, const char *name, const Settings *s, int root_fd, char **ret_error);
