/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Names of archive entries. No system calls. */

#define ENTRY_DEPTH_MAX 512U /* parts of a name */

/* Brings a name into the one form that is compared and used: no leading "./", no empty or "." parts, no trailing '/'; "" is the top itself.
 * -EINVAL with the rest of a sentence ("has an absolute name") for a name that leads, or could lead, out. In place. */
int entry_path_normalize(char *path, const char **ret_problem);

/* Below the dev/ directory of a root file system, plain or in an LXD unified tarball? */
bool entry_path_in_dev(const char *path);
