/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/unpack.h"

/* Keeps the files that an image is imported from (shared/image-archive.h). */

#define IMAGE_ARCHIVE_MAGIC_MAX UNPACK_MAGIC_MAX

/* What a file is, by its first bytes: "tar.xz". */
const char *image_archive_kind(const uint8_t *data, size_t size);

/* Has the input's bytes kept as file i of the image while they are read. The descriptor must stay open until they are. */
int image_archive_begin(Job *j, int image_fd, size_t i, UnpackInput *input, int *ret_fd);
