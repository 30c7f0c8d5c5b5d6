/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/image.h"

/* A new image: the import job reads the files that the caller has opened. Answers the call m with fingerprint and path. */

int import_start(Call *call, sd_bus_message *m, sd_bus_error *error);
