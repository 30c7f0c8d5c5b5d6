/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* [Device NAME] sections in a settings file that is made or changed. Keys are as people or LXD write them. */

bool settings_file_has_device(const SettingsFile *f, const char *name);
/* value NULL or "": the assignment is taken out. -EINVAL with a sentence. */
int settings_file_set_device(SettingsFile *f, const char *name, const char *key, const char *value, char **ret_error);
int settings_file_get_device(const SettingsFile *f, const char *name, const char *key, char **ret_value, char **ret_error); /* -ENOENT: not set */
void settings_file_remove_device(SettingsFile *f, const char *name);
/* Is all that the section says the owner's to say, or of a directory that he, user uid, has lent? */
bool settings_file_device_is_owners(const SettingsFile *f, const char *name, uint32_t uid);
