/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "settings/table.h"

/* Properties of the payload's scope as PID 1 takes them: "(sv)" entries of a message. */

int scope_property_append(sd_bus_message *m, const UnitProperty *p);
/* What the row gives; with change also when that is nothing, as its usual value. */
int scope_property_append_row(sd_bus_message *m, const Setting *t, const Settings *s, bool change);
/* Some settings change the properties of others: marks these too. rows: a flag a row of the table. */
void scope_property_mark(bool *rows);
