/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "settings/remote.h"
#include "worker/download.h"

/* What a server of images has: its simplestreams lists, downloaded, their signature checked where the remote has a keyring, and read in a process that
 * can do nothing else (sandbox.h). */

#define CATALOG_LISTS_MAX 8U
#define CATALOG_FILES_MAX 2U

typedef struct Catalog {
        Job *job;
        Remote remote;                  /* owned */
        char *texts[CATALOG_LISTS_MAX]; /* owned */
        size_t sizes[CATALOG_LISTS_MAX];
        size_t n;
} Catalog;

typedef struct CatalogFile {
        char *path;                     /* owned; below the remote's URL */
        char sha256[SHA256_TEXT_SIZE];
        uint64_t size;
} CatalogFile;

typedef struct CatalogImage {
        char *architecture;             /* owned */
        char *serial;
        char *kind;                     /* of its root file system: root.tar.xz, squashfs, unified */
        char fingerprint[SHA256_TEXT_SIZE]; /* "": not said */
        CatalogFile files[CATALOG_FILES_MAX];
        size_t n_files;
} CatalogImage;

void catalog_image_done(CatalogImage *i);

/* Both fail with a sentence. */
int catalog_open(Downloader *d, const char *remote, Catalog *ret);
void catalog_done(Catalog *c);
/* name: an alias, or ALIAS/ARCHITECTURE. */
int catalog_find(Catalog *c, int images_fd, const char *name, CatalogImage *ret);
/* Lines of "ALIASES\tARCHITECTURE\tDESCRIPTION\tSERIAL\tSIZE\tKIND\tFINGERPRINT\n", printable and without other blanks than ' '. */
int catalog_list(Catalog *c, int images_fd, char **ret);

/* Of one text, in the process that reads it; for tests too. wanted NULL: all. Writes NUL-terminated "key=value" fields. */
int catalog_parse_index(const char *text, size_t size, FILE *out);
int catalog_parse_products(const char *text, size_t size, const char *wanted, const char *architecture, FILE *out);
