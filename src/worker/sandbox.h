/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* The helper processes of a job. Both kinds live in a user namespace of their own whose ids 0…65535 are the foreign range, so whatever
 * they do, they own nothing on the host but what images hold.
 *
 * A *parser* (archive reader, metadata reader) may read its standard input, write its standard output and use memory. It has no
 * capabilities, no other fd, no files, no network, and a system call filter that lets nothing else through.
 * A *writer* is root of its namespace and keeps what it takes to give files their owners, modes and file capabilities. */

#define PARSER_CPU_SECONDS_MAX (4 * 3600)

/* Returns 0 in the child, once its ids are mapped, and 1 in the parent. The child dies with the parent; its environment is empty;
 * standard error is the parent's. */
int sandbox_fork(int namespaces, pid_t *ret_pid);

/* In the child, makes it a parser: in_fd and out_fd become 0 and 1, all other fds are closed, memory is limited to memory_max bytes. From
 * then on the only way to end is _exit(). */
int sandbox_become_parser(int in_fd, int out_fd, int void_fd, size_t memory_max);

/* In the child: root of its namespace, in root_fd as its root directory. keep: fds that stay open besides 0 to 2; root_fd must be one. */
int sandbox_become_writer(int root_fd, int *keep, size_t n_keep);

/* An empty directory that is not in the file system any more, to be a parser's root. parent_fd is a directory to make it in. */
int sandbox_open_void(int parent_fd, int *ret_fd);
