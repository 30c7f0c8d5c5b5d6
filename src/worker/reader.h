/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* The archive reader: turns a tar archive, plain or compressed, into the records of stream.h. Runs as a parser (sandbox.h), where hostile
 * input may break it and gains nothing. Only this file, entry-attributes.c and pack.c know libarchive. */

/* More than the largest decompressor needs (zstd: 128 MiB window; xz -9: 65 MiB), with the program itself. */
#define READER_MEMORY_MAX (320U * 1024U * 1024U)

/* A compressed archive may not be a bomb: past BOMB_FREE_BYTES what comes out may be at most BOMB_RATIO times what went in. */
#define BOMB_FREE_BYTES (UINT64_C(1) << 30)
#define BOMB_RATIO 1000U

/* Reads the archive from in_fd, writes records to out_fd, and reads in_fd to its end. The outcome is the last record; returns < 0 only when
 * not even that could be written. layer: of an image that says its SHA-256. It may hold nothing, and end without the zeros behind its last file, as those do that
 * "umoci insert" of version 0.4 makes. */
int reader_run(int in_fd, int out_fd, bool layer);
