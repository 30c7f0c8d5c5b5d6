/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "worker/catalog.h"
#include "worker/download.h"
#include "worker/import.h"

/* One image that is downloaded and imported. */

#define PULL_FILES_MAX 2U

typedef struct Pull {
        Job *job;
        Downloader downloader;
        int images_fd;
        uid_t uid;                                      /* whose what came of files is; 0: everybody's */
        char *urls[PULL_FILES_MAX];                     /* owned */
        char sums[PULL_FILES_MAX][SHA256_TEXT_SIZE];
        Download files[PULL_FILES_MAX];                 /* size and sha256 are what is promised, the rest is made here */
        int fds[PULL_FILES_MAX];                        /* owned */
        ImportOrigin origin;
        ImportSource import;                            /* n_fds and userdata are the caller's to set */
} Pull;

#define PULL_NONE { .downloader = DOWNLOADER_NONE, .images_fd = -EBADF, .fds = { -EBADF, -EBADF } }

int pull_open(Job *j, bool only_public, Pull *p);
int pull_files(Job *j, void *userdata);
void pull_done(Pull *p);

/* pull-remote.c. "REMOTE:IMAGE" */
int pull_remote(Job *j, const char *source);
/* All but the import, and 1; or 0: *ret_fingerprint is here already. */
int pull_prepare(Pull *p, Catalog *c, const char *image, bool force, char ret_fingerprint[static SHA256_TEXT_SIZE]);
int pull_list(Job *j, const char *remote);

/* pull-refresh.c. Images that were pulled are kept in step with where they came from, and those that nobody needs go. */
int pull_refresh(Job *j);
