/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/job.h"

/* All but the commit. Fails with a sentence. The trash is the caller's to empty, if there is a name of it: not where containers are on the image. */
int remove_image(Job *j, const char *fingerprint, char **ret_trash_name);
