/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <poll.h>
#include <sys/types.h>

#include "basic/macro.h"

/* Bytes on their way from one fd to another, through a buffer of fixed size: who reads slowly makes the writer wait, and nobody else. */

#define STREAM_BUFFER_SIZE 32768U

typedef struct Stream {
        int from, to;         /* owned */
        bool hang_up;         /* close `to` when all has been written after the end of `from` */
        bool type_end;        /* `to` is a terminal: the end of the input is typed as ^D */
        bool pty_from, pty_to; /* that fd is a pty master: a hang-up there may pass, vhangup(2) and login(1) make one */
        bool stalled;         /* there is one now: the caller tries again a little later, and clears this */
        bool ended;           /* nothing more comes from `from` */
        bool failed;          /* nobody takes what is written to `to` */
        size_t begin, end;
        char buffer[STREAM_BUFFER_SIZE];
} Stream;

int stream_new(int from, int to, Stream **ret); /* takes the fds, on success */
Stream *stream_free(Stream *s);
DEFINE_CLEANUP(Stream *, stream_free)

static inline bool stream_done(const Stream *s) {
        return s->failed || (s->ended && s->begin == s->end);
}

/* Two entries for poll(2), with a negative fd where there is nothing to wait for. */
void stream_prepare(const Stream *s, struct pollfd fds[static 2]);
/* What poll(2) found. ret_data: what was read now, inside the buffer; ret_size 0 when nothing was. */
int stream_step(Stream *s, const struct pollfd fds[static 2], const char **ret_data, size_t *ret_size);
