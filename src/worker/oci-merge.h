/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/failure.h"

/* A layer that was unpacked by itself is put over those below it: what it has is moved, whiteouts (".wh.NAME", ".wh..wh..opq") take away. */

/* In a writer process (sandbox.h) whose root directory root_fd is; nobody else works on either tree. Of directories with LAYER_IMPLIED_MODE only what is in them is
 * the layer's. */
int oci_merge(int layer_fd, int root_fd, Failure *f);
