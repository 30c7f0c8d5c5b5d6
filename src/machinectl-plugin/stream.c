/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/stream.h"

#include <unistd.h>

#include "basic/fd.h"

#define END_OF_TRANSMISSION 0x04

int stream_new(int from, int to, Stream **ret) {
        Stream *s = malloc(sizeof *s);

        if (!s)
                return -ENOMEM;
        /* The buffer is left as it is. */
        s->from = from;
        s->to = to;
        s->hang_up = s->type_end = s->pty_from = s->pty_to = s->stalled = s->ended = s->failed = false;
        s->begin = s->end = 0;
        *ret = s;
        return 0;
}

Stream *stream_free(Stream *s) {
        if (!s)
                return NULL;
        (void) fd_close(s->from);
        (void) fd_close(s->to);
        free(s);
        return NULL;
}

void stream_prepare(const Stream *s, struct pollfd fds[static 2]) {
        bool room = s->end < sizeof s->buffer, data = s->begin < s->end;

        fds[0] = (struct pollfd) { .fd = room && !s->ended && !s->failed && !(s->stalled && s->pty_from) ? s->from : -1, .events = POLLIN };
        /* Even with nothing to write: a reader that went away must be seen (POLLERR comes unasked), or `… | head -1` waits for ever. */
        fds[1] = (struct pollfd) { .fd = s->failed || (s->stalled && s->pty_to) ? -1 : s->to, .events = data ? POLLOUT : 0 };
}

static int step_read(Stream *s, const char **ret_data, size_t *ret_size) {
        ssize_t n;

        n = read(s->from, s->buffer + s->end, sizeof s->buffer - s->end);
        if (n < 0) {
                if (errno == EAGAIN || errno == EINTR)
                        return 0;
                if (errno == EIO && s->pty_from) {
                        s->stalled = true;
                        return 0;
                }
                /* EIO: the other side of a pty is closed, or our terminal is gone. */
                if (errno != EIO && errno != ECONNRESET)
                        return -errno;
                n = 0;
        }
        if (n == 0) {
                s->ended = true;
                if (s->type_end) {
                        s->buffer[s->end++] = END_OF_TRANSMISSION;
                        s->type_end = false;
                }
                return 0;
        }
        *ret_data = s->buffer + s->end;
        *ret_size = (size_t) n;
        s->end += (size_t) n;
        return 0;
}

static void step_write(Stream *s) {
        ssize_t n;

        n = write(s->to, s->buffer + s->begin, s->end - s->begin);
        if (n < 0) {
                if (errno == EIO && s->pty_to)
                        s->stalled = true;
                else if (errno != EAGAIN && errno != EINTR)
                        s->failed = true;
                return;
        }
        s->begin += (size_t) n;
        if (s->begin == s->end)
                s->begin = s->end = 0;
}

int stream_step(Stream *s, const struct pollfd fds[static 2], const char **ret_data, size_t *ret_size) {
        int r = 0;

        *ret_data = NULL;
        *ret_size = 0;

        if (fds[0].fd >= 0 && fds[0].revents)
                r = step_read(s, ret_data, ret_size);
        if (r >= 0 && fds[1].fd >= 0) {
                if (s->pty_to && (fds[1].revents & POLLHUP))
                        s->stalled = true;
                else if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
                        s->failed = true;
                else if ((fds[1].revents & POLLOUT) && s->begin < s->end)
                        step_write(s);
        }

        if (s->failed)
                /* The writer gets its SIGPIPE, not a buffer that nobody empties. */
                s->from = fd_close(s->from);
        if (s->hang_up && stream_done(s))
                s->to = fd_close(s->to);
        return r;
}
