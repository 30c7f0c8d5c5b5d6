/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/stream.h"

/* A session: the connection to a container's supervisor that belongs to one exec or console (docs/ARCHITECTURE.md, control socket). It
 * brings the pty or the console, takes window sizes and signals, and says how the command ended. Our terminal stays with us: what the
 * container gets is a pty of its own, or pipes. */

typedef struct Session {
        int fd;                /* owned: the connection, SOCK_SEQPACKET */
        int input, output;     /* borrowed: what a pty or console is connected to */
        bool tty;              /* exec on a pty, or a console */
        bool console;
        bool detachable;       /* ^]^]^] leaves */
        Stream *streams[2];    /* owned: our terminals that stand behind pipes of a command without a pty; NULL: none */
} Session;

#define SESSION_INIT ((Session) { .fd = -EBADF, .input = -EBADF, .output = -EBADF })

/* The fds that a command without a pty gets as its stdio: ours, except where ours is a terminal: then a pipe that is relayed. The
 * caller closes them when they have been sent. */
int session_make_stdio(Session *s, const int ours[static 3], int ret_fds[static 3]);

typedef enum SessionEnd {
        SESSION_EXITED,     /* code */
        SESSION_SIGNALLED,  /* code: the signal */
        SESSION_FAILED,     /* error, message; code: what a shell would end with, 0 when the supervisor named none */
        SESSION_LOST,       /* the supervisor is gone: the container stopped */
        SESSION_DETACHED,
        SESSION_HUNG_UP,    /* our terminal is gone */
} SessionEnd;

typedef struct SessionResult {
        SessionEnd end;
        int code;
        char *error, *message; /* owned */
} SessionResult;

/* Relays until the end. The terminal is as it was when this returns, however it returns. */
int session_run(Session *s, SessionResult *ret);
void session_done(Session *s);
void session_result_done(SessionResult *result);
