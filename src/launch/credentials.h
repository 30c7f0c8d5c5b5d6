/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "settings/settings.h"

/* LoadCredential=: reads the files of the host, so that they get into the plan as those of SetCredential= do. A missing file is an error, with a sentence. */
int credentials_load(Settings *s, char **ret_error);
