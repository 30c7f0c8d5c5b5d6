/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "worker/failure.h"

/* The writer: makes files, directories and links below one directory from the records of stream.h. It believes nothing: every name is
 * checked and resolved so that it cannot lead out of that directory, whatever earlier entries have put there. Runs as root of a user
 * namespace (sandbox.h), or inside a container. */

#define UNPACK_ENTRIES_MAX UINT64_C(10000000)
#define UNPACK_DIRECTORIES_MAX 2000000U /* each takes memory until the end, when their times are set */
#define UNPACK_BYTES_MAX (UINT64_C(1) << 40)

/* Written by the job, read by the writer: a page that both have. */
typedef struct UnpackShared {
        _Atomic uint64_t in_bytes; /* of the archive so far: for the same bomb limit as the reader's, who may lie */
        uint64_t room;             /* bytes that it may take at the most, once unpacked */
        bool kept;                 /* with the archive itself */
} UnpackShared;

/* What the writer says at its end, as one message through a pipe. */
typedef struct WriterReport {
        Failure failure;
        bool stream_broken; /* the failure is that the reader's records stopped or made no sense */
        uint64_t entries;
        uint64_t bytes;
        uint64_t dropped_devices;
        uint64_t dropped_attributes;
} WriterReport;

typedef enum WriterTarget {
        WRITER_FRESH, /* the directory was empty, nobody else sees it */
        WRITER_LAYER, /* as well, and directories that the archive does not have itself are LAYER_IMPLIED_MODE */
        WRITER_IN_USE,
} WriterTarget;

/* Of a directory of a layer that is there for what is in it: no image has one like it. */
#define LAYER_IMPLIED_MODE 01000

/* What the name of a file begins with that takes another one away, of a layer below. */
#define OCI_WHITEOUT ".wh."

/* The outcome is in the report. */
void writer_run(int stream_fd, int root_fd, WriterTarget target, const UnpackShared *shared, WriterReport *ret);
