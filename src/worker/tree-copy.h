/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

/* Copies the directory name of from_fd to to_fd, where it is not yet, as it is: owners, modes, times, links, holes, whiteouts, extended
 * attributes with file capabilities and ACLs (storage/tree.h). Nobody may change it meanwhile; nothing is flushed. Fails with a sentence. */
int tree_copy(Job *j, int from_fd, int to_fd, const char *name);
