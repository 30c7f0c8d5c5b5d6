/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/json.h"

/* The first file of a split image, for a root file system that was imported without one: a tar archive of a metadata.yaml. */

/* image: all properties of its object on the bus. The same image always gives the same bytes, until something else is said of it.
 * *ret_fd: a file without a name, to be read from its beginning. */
int image_metadata_archive(json_object *image, int *ret_fd);
