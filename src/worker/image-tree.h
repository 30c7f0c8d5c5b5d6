/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/image-conf.h"
#include "worker/job.h"

/* What has been unpacked becomes an image: which of the three kinds it is, whether its parts are what they must be, and where they go.
 * The trees are hostile: nothing in them is opened but by the functions of basic/path.h. */

#define TREE_SINGLE "tree"     /* where a plain or unified archive is unpacked */
#define TREE_METADATA "meta"   /* where the first of a pair is */
#define TREE_ROOTFS "rootfs"   /* the second; and the root file system of all in the end */

/* From TREE_ directories in new_fd makes rootfs/, and metadata.yaml and templates/ where there are some; fills *c from metadata.yaml or from
 * what the root file system says of itself. */
int image_tree_arrange(Job *j, int new_fd, bool split, ImageConf *c);
