/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/image-conf.h"
#include "worker/job.h"

/* Images of applications: a tarball of an OCI image layout, or what `docker save` writes. Such an archive is unpacked like any other; here its layers
 * are put one over the other, and its configuration becomes settings of the containers that are made from it. */

/* Was it one that has been unpacked there? */
bool oci_is_layout(int tree_fd);

/* new_fd: the image being made, tree: the name of what was unpacked in it, which goes; rootfs/ is made. */
int oci_arrange(Job *j, int new_fd, const char *tree, ImageConf *c);
