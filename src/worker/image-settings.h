/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* images/FINGERPRINT/settings.conf: settings that a container has from its image, KEY=VALUE lines; what says otherwise goes before them. They
 * come from strangers: only a few keys of [Exec], of which none gives a container more than it has. */

/* One more; a value that the setting cannot have is left out. */
int image_settings_add(int image_fd, const char *key, const char *value);
/* None is no error. */
int image_settings_apply(int image_fd, SettingsFile *f);
