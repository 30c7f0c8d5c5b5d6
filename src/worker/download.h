/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <openssl/evp.h>
#include <systemd/sd-bus.h>

#include "settings/server.h"
#include "worker/job.h"

/* A job's downloads. The job has no network: it has PID 1 start berth-pull in a unit of its own, which lives as long as the job's, and gives it a
 * pipe for each file. What comes out of it is counted and hashed here, and is a stranger's until its hash is the right one. */

#define SHA256_TEXT_SIZE 65U

typedef struct Downloader {
        Job *job;
        int fd;                 /* owned: to berth-pull, once there was something to download */
        ServerSettings server;  /* owned: proxies */
        bool only_public;       /* no address of this host's or of private networks */
} Downloader;

#define DOWNLOADER_NONE { .fd = -EBADF }

/* Nothing is started or contacted yet. */
int downloader_open(Job *j, bool only_public, Downloader *ret);
void downloader_done(Downloader *d);

typedef struct Download {
        const char *url;
        uint64_t size_max;
        uint64_t size;          /* 0: not known before; else what it must be */
        const char *sha256;     /* NULL: not known before; else what it must be */
        int fd;                 /* where it goes: an empty file, or one with the beginning of what is known by its SHA-256 */
        /* Of all that the job downloads, for its progress: bytes before this, and of all (0: the server says). */
        uint64_t progress_before, progress_all;
        EVP_MD_CTX *also;       /* what goes through this hash as well, or NULL */

        uint64_t done;
        uint64_t found;         /* of that: it was there before */
        char actual[SHA256_TEXT_SIZE];
} Download;

/* Fails with a sentence; -ENOENT: the server has no such file, -ESTALE: it was changed, or what is there is longer (sentences too). On success the file is at its beginning. */
int download_run(Downloader *d, Download *file);

/* A file without a name, on the file system of dir_fd. */
int download_open_spool(Job *j, int dir_fd, int *ret_fd);
/* A small one, in memory. */
int download_to_memory(Downloader *d, Download *file, char **ret, size_t *ret_size);
