/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/server.h"
#include "worker/job.h"

/* server: settings of all of the host, in berth.conf, all of them or none. The manager reads them again afterwards. */

#define FILE_SIZE_MAX (64U * 1024U)

int job_server(Job *j) {
        _cleanup_free_ char *text = NULL, *changed = NULL, *error = NULL;
        _cleanup_strv_ char **assignments = NULL, **unset = NULL;
        _cleanup_close_ int dir = -EBADF;
        int r;

        r = message_get_strv(j->request, "setting", &assignments);
        if (r >= 0)
                r = message_get_strv(j->request, "unset", &unset);
        if (r < 0)
                return r;
        (void) mkdir(BERTH_CONFIG_DIR, 0755);
        dir = open(BERTH_CONFIG_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || flock(dir, LOCK_EX) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Cannot open " BERTH_CONFIG_DIR ": %m");
        r = path_read(dir, SERVER_FILE, FILE_SIZE_MAX, &text, NULL);
        if (r < 0 && r != -ENOENT)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Cannot read " BERTH_CONFIG_DIR "/" SERVER_FILE ": %m");
        r = server_change(text ?: "", assignments, unset, &changed, &error);
        if (r == -EINVAL || r == -ENOENT || r == -EBADMSG)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "%s", error);
        if (r >= 0)
                r = path_write_atomic(dir, SERVER_FILE, changed, strlen(changed), 0644);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Cannot write " BERTH_CONFIG_DIR "/" SERVER_FILE ": %m");
        job_commit(j);
        return 0;
}
