/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"
#include "worker/job.h"

/* A user lends a directory of his own to a container of his. That he has opened it shows that he reaches it; that it is his is checked here, and
 * noted with what it takes to know it again. 0 when the request has no directory. */
int lend_directory(Job *j, const char *device, SettingsFile *f);
