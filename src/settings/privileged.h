/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* What cannot be had together with Privileged=: what a user namespace is needed for, and what would be the whole host's without one.
 * -EINVAL: *ret_error says what. */
int privileged_check(const Settings *s, char **ret_error);
