/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* The files of a container in the order in which they count, for who reads many containers: those for all containers are read once. */

typedef struct SettingsFiles {
        SettingsFile **items; /* owned */
        size_t n;
} SettingsFiles;

void settings_files_done(SettingsFiles *files);

/* Both add to *files. -EBADMSG: a file has a mistake in its syntax; own: -ENOENT: no such container. */
int settings_files_read_common(const char *root, SettingsFiles *files, char **ret_error);
int settings_files_read_own(const char *root, const char *name, SettingsFiles *files, char **ret_error);
/* The administrator's drop-ins alone. */
int settings_files_read_drop_ins(const char *root, const char *name, SettingsFiles *files, char **ret_error);

/* All of it merged, or the unit files' sections only. */
int settings_files_merge(const SettingsFiles *common, const SettingsFiles *own, bool only_units, Settings **ret, char **ret_error);

/* Do they say anything that goes into unit files? */
bool settings_files_have_units(const SettingsFiles *files);

int settings_print_effective_at(const char *root, const char *name, FILE *f, bool with_source, char **ret_error);
