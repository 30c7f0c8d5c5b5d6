/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "basic/macro.h"

/* Makes one directory tree of several layers of overlayfs that nobody changes, so that it can stand in their place. Files are linked, not copied: it takes
 * as long as there are files, whatever their size, and no room. No sentences. */

/* trees: the upper/ directories, topmost first, and behind the n of them that are merged those that lie below; n_all at most 64. The result is
 * dir_fd/name, which must not be there. */
int overlay_merge(const int *trees, size_t n, size_t n_all, int dir_fd, const char *name);
