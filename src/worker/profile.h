/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"
#include "worker/job.h"

/* Whoever names profiles holds them (LOCK_SH), so that none goes before its name is written down; who changes one holds them alone. */
int profiles_lock(Job *j, int operation, int *ret_fd);
/* Does the container's file only name profiles that are there? Fails with a sentence. */
int profiles_check(Job *j, const SettingsFile *f);
