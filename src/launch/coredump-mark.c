/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/coredump-mark.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/xattr.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/log.h"

#define ATTRIBUTE "user.coredump_receive"

/* Root inside may take it away in a loop. */
#define RESTORE_BURST 10U
#define RESTORE_INTERVAL_USEC USEC_PER_SEC

struct CoredumpMark {
        int cgroup_fd;
        sd_event_source *source;
};

/* What is set here is an event, too: only what is missing is set. */
static void restore(CoredumpMark *m) {
        if (fgetxattr(m->cgroup_fd, ATTRIBUTE, NULL, 0) >= 0 || errno != ENODATA)
                return;
        if (fsetxattr(m->cgroup_fd, ATTRIBUTE, "1", 1, XATTR_CREATE) < 0 && errno != EEXIST)
                (void) log_warning_errno(-errno, "Core dumps may stay on the host, failed to mark the cgroup: %m");
}

static int on_attribute(sd_event_source *source, const struct inotify_event *event, void *userdata) {
        restore(userdata);
        return 0;
}

int coredump_mark_watch(sd_event *event, int cgroup_fd, CoredumpMark **ret) {
        _cleanup_(coredump_mark_freep) CoredumpMark *m = NULL;
        int r;

        if (fgetxattr(cgroup_fd, ATTRIBUTE, NULL, 0) < 0) {
                (void) fd_close(cgroup_fd);
                *ret = NULL;
                return 0;
        }
        m = calloc(1, sizeof *m);
        if (!m) {
                (void) fd_close(cgroup_fd);
                return -ENOMEM;
        }
        m->cgroup_fd = cgroup_fd;
        r = sd_event_add_inotify_fd(event, &m->source, cgroup_fd, IN_ATTRIB, on_attribute, m);
        if (r >= 0)
                r = sd_event_source_set_ratelimit(m->source, RESTORE_INTERVAL_USEC, RESTORE_BURST);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

CoredumpMark *coredump_mark_free(CoredumpMark *m) {
        if (!m)
                return NULL;
        sd_event_source_disable_unref(m->source);
        (void) fd_close(m->cgroup_fd);
        free(m);
        return NULL;
}
