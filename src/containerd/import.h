/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/image.h"

/* A new image: the import job reads the files that the caller has opened. Answers the call m with fingerprint and path. */

/* The same of what a server has: the pull job. */
int import_pull(Call *call, sd_bus_message *m, sd_bus_error *error);
/* The same of a container: the publish job. */
int import_publish(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int import_start(Call *call, sd_bus_message *m, sd_bus_error *error);
/* The same of a distribution's packages: the bootstrap job. */
int import_bootstrap(Call *call, sd_bus_message *m, sd_bus_error *error);
