/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "launch/namespaces.h"
#include "settings/device.h"

/* Directories and files of the host, and file systems in memory, in a container. > 0: the source is not there and not required. */
int disk_add(const Namespaces *n, const Device *d, char **ret_error);
int disk_remove(const Namespaces *n, const Device *d, char **ret_error);
