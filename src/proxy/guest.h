/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

/* A socket that is a file of the guest's. Whoever touches it is in the container's user and mount namespaces by then, as its root: the path, with
 * whatever the guest has put on the way, leads nowhere but into the container. */

/* For the rest of this process's life. paths: of namespaces, under /proc of the supervisor, who holds them open. */
int guest_enter(const char *user_path, const char *mount_path);

typedef struct GuestSocket {
        int fd;    /* it listens */
        int held;  /* its end is the file's */
        pid_t pid;
} GuestSocket;

/* A child listens there, sends the socket, and takes the file away when we end, however we do. An old one that nobody listens on is replaced. */
int guest_listen(const char *user_path, const char *mount_path, const char *path, mode_t mode, uid_t uid, gid_t gid, GuestSocket *ret);
/* Waits until it is gone: PID 1 kills what is left of a service. */
void guest_socket_done(GuestSocket *s);
