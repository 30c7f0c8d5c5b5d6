/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/table.h"

/* For the types of [Resource]: a row's entry among the unit properties. */

UnitProperty *setting_property_find(const Setting *t, const Settings *s);
int setting_property_set(const Setting *t, Settings *s, UnitProperty p); /* takes what p owns, on failure too */
void setting_property_clear(const Setting *t, Settings *s);
