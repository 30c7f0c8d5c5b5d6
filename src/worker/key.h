/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "shared/key.h"
#include "worker/job.h"

/* The key of an encrypted container, of the request's fd of this number. Fails with a sentence. */
int job_read_key(Job *j, size_t i, Key **ret);
