/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Walks the assignments of a small INI file that berth wrote itself (container.conf, image.conf), without judging keys: the manager
 * needs five of them from hundreds of files at once. What a setting means is src/settings/'s business. */

typedef int (*RecordField)(const char *section, const char *key, const char *value, void *userdata);

/* Changes text. Returns the first negative answer of field(); -EBADMSG for a line that is nothing of INI. */
int record_walk(char *text, RecordField field, void *userdata);
