/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "shared/names.h"

/* A text of lines as sha256sum(1) writes them, which servers have beside their files. */

/* The hash of a file, in lower case, by the name that the text has of it. -ENOENT. */
int checksums_find(const char *text, const char *file, char ret[static FINGERPRINT_LENGTH + 1]);
