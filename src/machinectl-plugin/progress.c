/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/progress.h"

#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/strv.h"

#define DRAW_AFTER_USEC (300 * USEC_PER_MSEC)
#define BAR_MIN 10U
#define BAR_MAX 50U
#define STATUS_ROOM 30U

void progress_begin(Progress *p, FILE *f) {
        *p = (Progress) { .f = f && isatty(fileno(f)) ? f : NULL, .begin_usec = clock_usec(CLOCK_MONOTONIC) };
}

/* The most of a text that whole characters of it have in n bytes. */
static int cut(const char *text, size_t n) {
        if (strlen(text) <= n)
                return (int) strlen(text);
        while (n > 0 && ((unsigned char) text[n] & 0xc0) == 0x80)
                n--;
        return (int) n;
}

int progress_format(double fraction, const char *status, size_t width, char **ret) {
        _cleanup_free_ char *escaped = NULL;
        char bar[BAR_MAX + 1];
        size_t room, done;
        int r;

        r = string_escape(status, &escaped);
        if (r < 0)
                return r;
        if (!(fraction >= 0))
                return asprintf(ret, "%.*s", cut(escaped, width > 1 ? width - 1 : 0), escaped) < 0 ? -ENOMEM : 0;

        fraction = MIN_OF(fraction, 1.0);
        room = width > STATUS_ROOM + BAR_MIN ? MIN_OF(width - STATUS_ROOM, (size_t) BAR_MAX) : BAR_MIN;
        done = (size_t) (fraction * (double) room);
        memset(bar, '=', done);
        memset(bar + done, ' ', room - done);
        if (done > 0 && done < room)
                bar[done - 1] = '>';
        bar[room] = 0;
        if (asprintf(ret, "[%s] %3d%% %.*s", bar, (int) (fraction * 100), cut(escaped, width > room + 10 ? width - room - 10 : 0), escaped) < 0)
                return -ENOMEM;
        return 0;
}

void progress_draw(Progress *p, double fraction, const char *status) {
        _cleanup_free_ char *line = NULL;
        struct winsize size;
        size_t width = 80;

        if (!p->f || clock_usec(CLOCK_MONOTONIC) - p->begin_usec < DRAW_AFTER_USEC)
                return;
        if (ioctl(fileno(p->f), TIOCGWINSZ, &size) >= 0 && size.ws_col > 0)
                width = size.ws_col;
        if (progress_format(fraction, status, width, &line) < 0)
                return;
        fprintf(p->f, "\r%s\033[K", line);
        fflush(p->f);
        p->drawn = true;
}

void progress_clear(Progress *p) {
        if (!p->drawn)
                return;
        fputs("\r\033[K", p->f);
        fflush(p->f);
        p->drawn = false;
}
