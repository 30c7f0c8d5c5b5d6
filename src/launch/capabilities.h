/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

/* Leaves the calling process, root of its user namespace, with the capabilities of mask in all of its sets but the inheritable and ambient
 * ones, which become empty (ATTACKS S21), and in the bounding set. */
int capabilities_limit(uint64_t mask);

/* Drops the bounding set only; needs CAP_SETPCAP. */
int capabilities_drop_bounding(uint64_t keep);
