/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

/* AppArmor's patterns cannot say "all but these", and a rule that denies goes before all that allow. So a list of what may be written is turned
 * inside out: for every prefix that leads to one of its names, a rule that denies the names that leave the way there. Used when berth is built. */

/* text: a list as apparmor/writable.list describes them. Writes one rule a line, for the permissions given, such as "wkl". -EINVAL: *ret_line of the
 * list is wrong, and *ret_reason says how. */
int apparmor_rules_write(const char *text, const char *permissions, FILE *f, unsigned *ret_line, const char **ret_reason);
