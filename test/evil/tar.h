/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Writes tar archives byte by byte to standard output, right ones and wrong ones: no library would make what the tests need. */

typedef struct TarEntry {
        const char *name, *link;
        char type; /* of tar: '0' file, '1' hard link, '2' symlink, '3' and '4' devices, '5' directory, '6' fifo; 0 is '0' or '5' by name */
        unsigned mode; /* 0: 0644 or 0755 */
        long long uid, gid;
        long long size; /* -1: of data */
        const void *data;
        size_t data_size;
        const char *raw_size; /* 12 bytes of the size field as they are */
} TarEntry;

void tar_entry(const TarEntry *e);

void tar_file(const char *name, const char *content);
void tar_directory(const char *name);
void tar_symlink(const char *name, const char *target);
void tar_hardlink(const char *name, const char *target);
void tar_device(const char *name);

/* An extended header for the next entry: "key", value, value's size */
void tar_pax(const char *key, const void *value, size_t size);
void tar_pax_text(const char *key, const char *value);

void tar_bytes(const void *data, size_t size);
void tar_zeros(unsigned long long size);
void tar_end(void);

/* What makes an archive look like a root file system: usr/, etc/, a file. */
void tar_root(const char *prefix);
