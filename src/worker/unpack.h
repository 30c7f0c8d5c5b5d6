/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <openssl/evp.h>

#include "worker/job.h"
#include "worker/writeback.h"
#include "worker/writer.h"

/* Unpacks an archive with three processes in a row: the job reads the caller's fd, counts and hashes; the reader (reader.h) parses; the
 * writer (writer.h) creates. Each end of the row is trusted, the middle is not. */

#define UNPACK_MAGIC_MAX 6U
#define UNPACK_INPUT_MAX (UINT64_C(1) << 38) /* bytes of an archive file: 256 GiB */

/* Starts the process that runs writer_run() on stream_fd and writes its report to report_fd; 1 in the job with *ret_pid, or < 0 with the
 * failure set. All other fds of the job are close-on-exec only: the new process closes what it inherited. */
typedef int (*WriterStart)(Job *j, int stream_fd, int report_fd, const UnpackShared *shared, void *userdata, pid_t *ret_pid);

/* WriterStart for a fresh directory, userdata points to its fd: in a user namespace of the foreign range. */
int unpack_start_writer(Job *j, int stream_fd, int report_fd, const UnpackShared *shared, void *userdata, pid_t *ret_pid);
/* The same for a layer, see WRITER_LAYER. */
int unpack_start_layer_writer(Job *j, int stream_fd, int report_fd, const UnpackShared *shared, void *userdata, pid_t *ret_pid);

typedef struct UnpackInput {
        int fd;           /* borrowed: regular file or pipe */
        bool is_file;
        uint64_t size;    /* of a file */
        uint64_t done;
        bool cloned;      /* fd is a file that nobody else can change */
        bool squashfs;    /* else an archive */
        bool layer;       /* of an image of an application, see reader.h */
        int keep_fd;      /* borrowed: where all that is read is written to as well; or -EBADF */
        Writeback *writeback; /* borrowed: told of what is read; or NULL */
        uint8_t magic[UNPACK_MAGIC_MAX]; /* the first bytes, when it has been read */
        size_t magic_size;
} UnpackInput;

/* Accepts a regular file or a pipe that is open for reading. */
int unpack_open_input(Job *j, int fd, UnpackInput *ret);

/* What an owner who has a limit may still take with this job, in bytes. */
uint64_t unpack_room(const Job *j);

/* scratch_fd: a directory of the job's, for the reader's empty root. hash may be NULL. */
int unpack_run(Job *j, UnpackInput *input, int scratch_fd, EVP_MD_CTX *hash, WriterStart start, void *userdata, WriterReport *ret);
