/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* Standard output through a pager, as systemctl has it: $SYSTEMD_PAGER, $PAGER, less(1); none when output is no terminal, with
 * --no-pager, or when the variable is empty or "cat". */

void pager_open(Ctl *c);
void pager_close(Ctl *c);
