/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* Local sockets and the passing of file descriptors over them. */

#define SOCKET_FDS_MAX 8

/* One datagram with fds; blocks when the socket does. Returns 0. */
int socket_send(int fd, const void *data, size_t size, const int *fds, size_t n_fds);

/* One datagram of at most size bytes. Returns its length; 0 is end of file, also when the peer had not read all of ours. -EMSGSIZE when it did not fit (its fds are closed).
 * Received fds are close-on-exec and the caller's; *n_fds holds the room on entry, the number on return. */
ssize_t socket_receive(int fd, void *data, size_t size, int *ret_fds, size_t *n_fds);

/* A listening SOCK_SEQPACKET socket at path with the mode; an old one is replaced. */
int socket_listen(const char *path, mode_t mode, int backlog);

/* Connects without ever waiting: -EAGAIN when the backlog is full, -ENOENT/-ECONNREFUSED when nobody listens. */
int socket_connect(const char *path);
