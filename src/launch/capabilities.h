/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Leaves the calling process, root of its user namespace, with the capabilities of mask in all of its sets but the inheritable and ambient
 * ones, which become empty (ATTACKS S21), and in the bounding set. */
int capabilities_limit(uint64_t mask);

/* What a payload, and each command in it, has of a bounding set that its settings give. Whoever is root enough for CAP_SYS_ADMIN may load AppArmor
 * profiles into a policy namespace of its own, which CAP_MAC_ADMIN is for; elsewhere that would be worth nothing. */
uint64_t capabilities_of_payload(uint64_t set, bool policy_namespace);

/* Drops the bounding set only; needs CAP_SETPCAP. */
int capabilities_drop_bounding(uint64_t keep);
