/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* A name for a container that nobody named: "illusory-nubia" is LXD's kind, an adjective and a noun. numbered: with a number behind
 * it, for when the plain ones are mostly taken. */
int random_name(bool numbered, char **ret);
