/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* Personality=: as which of the machines that this kernel can be it shows itself to the container's programs (uname(2)). */

/* Of the calling process and its children. -EOPNOTSUPP: this kernel cannot be that. */
int personality_apply(const Settings *s);

/* The machine that the image is made for, when the host's is another: a sentence's end for whoever could not execute its init; NULL: it is the host's. */
const char *personality_foreign_architecture(const Settings *s);
