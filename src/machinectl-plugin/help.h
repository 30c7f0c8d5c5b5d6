/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/verb.h"

/* Help texts, made from the tables of verbs and options. */

int help_print(void);
int help_print_verb(const Verb *v);
void help_print_version(void);
