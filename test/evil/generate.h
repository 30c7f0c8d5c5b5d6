/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Archives that differ by a rule from each other: all orders of some entries, all ways to write a bad name, every field of a header. */

typedef struct Generated {
        char name[64];
        const char *expected; /* as in mkevil --list; "any": taken or refused, and nothing outside is touched either way */
} Generated;

/* The one of this number; false when there are no more. With `write`, the archive goes to standard output. */
bool generated_archive(size_t number, bool write, Generated *ret);
