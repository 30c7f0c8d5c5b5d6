/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/writeback.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"

/* Each time costs a commit of the journal, for which who writes waits. */
#define STEP_BYTES (UINT64_C(16) * 1024 * 1024)

/* It ends when the other end of its pipe is closed, which is with the job at the latest. */
static _noreturn_ void run(int tick_fd, int file_system_fd) {
        char ticks[64];

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || fd_close_all_except((int[]) { tick_fd, file_system_fd }, 2) < 0)
                _exit(EXIT_FAILURE);
        while (read(tick_fd, ticks, sizeof ticks) > 0)
                (void) syncfs(file_system_fd);
        _exit(EXIT_SUCCESS);
}

static void start(Writeback *w) {
        _cleanup_close_ int ours = -EBADF, theirs = -EBADF;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return;
        theirs = fds[0];
        ours = fds[1];
        if (fd_set_nonblock(ours, true) < 0)
                return;
        w->pid = fork();
        if (w->pid < 0)
                return;
        if (w->pid == 0)
                run(theirs, w->file_system_fd);
        w->tick_fd = TAKE_FD(ours);
}

void writeback_add(Writeback *w, uint64_t bytes) {
        w->bytes += bytes;
        if (w->bytes < STEP_BYTES)
                return;
        w->bytes = 0;
        if (w->tick_fd < 0)
                start(w);
        if (w->tick_fd >= 0)
                (void) write(w->tick_fd, "", 1);
}

void writeback_end(Writeback *w) {
        if (w->tick_fd < 0)
                return;
        w->tick_fd = fd_close(w->tick_fd);
        (void) child_wait(w->pid);
}
