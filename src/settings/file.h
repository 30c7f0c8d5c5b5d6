/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/ini.h"
#include "settings/table.h"

/* Inside of a settings file, for the merge. */

struct SettingsFile {
        char *name;     /* owned, printable */
        Ini ini;
        bool drop_in;   /* an administrator's file: berth's own keys have no business there */
};

/* Applies all assignments, or those of unit files' sections only, to *s. seen: one flag a row of the table, set where something was assigned.
 * -EBADMSG: *ret_error is "FILE:LINE: Key: reason". */
int settings_file_apply(const SettingsFile *f, bool only_units, Settings *s, bool *seen, char **ret_error);
