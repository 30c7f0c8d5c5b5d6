/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "storage/storage.h"

#define LOOP_FILE_SIZE (UINT64_C(20) << 30)

/* A file system in a file beside Path=, Path=.img: the file is sparse, and takes what is written to it. A mount unit has it mounted at Path= now and at each
 * boot. mkfs: the program and its arguments, the last but NULL being where the file's name goes. size 0: LOOP_FILE_SIZE. What fails leaves nothing. */
int loop_file_setup(const Storage *s, const char *fs_type, char *const *mkfs, uint64_t size, char **ret_error);
/* > 0: unmounted and removed; 0: it is none that was made here, or has something in it. */
int loop_file_teardown(const Storage *s, char **ret_error);
