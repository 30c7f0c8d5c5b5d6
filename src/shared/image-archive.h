/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

/* The files that an image was imported from, kept beside what was unpacked so that an export gives the same bytes, and with them the same
 * fingerprint. What they are (Archives= in image.conf) is the end of the name that a file gets when it is exported. */

#define IMAGE_ARCHIVES_MAX 2U

/* In images/FINGERPRINT: empty, its time is when a container was last made from the image. */
#define IMAGE_USED_FILE "used"

/* In images/FINGERPRINT: the only one or that of the metadata, and that of the root file system. */
static inline const char *image_archive_file(size_t i) {
        return i == 0 ? "archive" : "archive.rootfs";
}
