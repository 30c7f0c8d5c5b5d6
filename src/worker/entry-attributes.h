/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <archive.h>
#include <archive_entry.h>
#include <stdint.h>

#include "basic/macro.h"

/* Extended attributes and access control lists of an archive's entry, in the form that the stream carries. */

typedef struct EntryAttributes {
        uint8_t *data; /* owned; STREAM_ATTRIBUTES_SIZE_MAX bytes */
        uint32_t size, n;
} EntryAttributes;

/* -E2BIG */
int entry_attributes_add(EntryAttributes *a, const char *name, const void *value, size_t size);

/* Returns 0, or < 0 with a phrase for the reader's error record. */
int entry_attributes_collect(EntryAttributes *a, struct archive_entry *e, const char **ret_error);
