/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/source.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/process.h"
#include "machinectl-plugin/report.h"

void source_done(Source *s) {
        s->fd = fd_close(s->fd);
        if (s->relay > 0) {
                /* It may wait for input that nobody wants any more. */
                (void) kill(s->relay, SIGTERM);
                (void) process_wait(s->relay);
                s->relay = 0;
        }
}

static int relay_through_pipe(Source *s) {
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return report_failure("Cannot make a pipe: %m.");
        r = process_start((const char *const[]) { "cat", NULL }, s->fd, fds[1], &s->relay);
        (void) close(fds[1]);
        (void) fd_close(s->fd);
        s->fd = fds[0];
        return r < 0 ? report_failure("Cannot start cat: %s.", strerror(-r)) : 0;
}

int source_open(const char *name, const char *what, Source *ret) {
        _cleanup_(source_done) Source s = SOURCE_NONE;
        int r;

        if (streq(name, "-")) {
                if (isatty(STDIN_FILENO))
                        return report_failure("Standard input is a terminal: pipe the %s in, or name one.", what);
                s.fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
        } else
                s.fd = open(name, O_RDONLY | O_CLOEXEC);
        if (s.fd < 0 || fstat(s.fd, &s.st) < 0)
                return report_failure("Cannot open '%s': %m.", name);
        if (!S_ISREG(s.st.st_mode) && !S_ISFIFO(s.st.st_mode) && !S_ISDIR(s.st.st_mode)) {
                r = relay_through_pipe(&s);
                if (r < 0)
                        return r;
        }
        *ret = s;
        s = (Source) SOURCE_NONE;
        return 0;
}
