/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/ini.h"
#include "settings/remote.h"
#include "worker/job.h"

/* remote: a server of images gets a name, or loses it. One that came with berth is only masked, so that an upgrade does not bring it back. */

static int add(Job *j, int dir, const char *name, const char *file) {
        const char *url, *keyring = message_get(j->request, "keyring"), *reason;
        _cleanup_(remote_done) Remote there = {};
        _cleanup_free_ char *text = NULL, *error = NULL;
        struct stat st;
        int r;

        r = job_get(j, "url", &url);
        if (r < 0)
                return r;
        reason = remote_check_url(url);
        if (reason)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "The URL of a remote %s.", reason);
        if (!isempty(keyring) && (*keyring != '/' || !ini_value_fits(keyring) || strpbrk(keyring, "\n\r")))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "A keyring is an absolute path.");
        if (remote_load("", name, &there, &error) != -ENOENT)
                return failure_set(&j->failure, FAILURE_FILE_EXISTS, EEXIST, "There is a remote '%s' already.", name);
        if (asprintf(&text, "[" REMOTE_SECTION "]\nURL=%s\n%s%s%s", url, isempty(keyring) ? "" : "Keyring=", keyring ?: "", isempty(keyring) ? "" : "\n") < 0)
                return -ENOMEM;
        /* A mask would be written through. */
        if (fstatat(dir, file, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISLNK(st.st_mode) && unlinkat(dir, file, 0) < 0)
                return -errno;
        return path_write_atomic(dir, file, text, strlen(text), 0644);
}

static int take_away(Job *j, int dir, const char *name, const char *file) {
        _cleanup_(remote_done) Remote there = {};
        _cleanup_free_ char *error = NULL;
        int r;

        if (remote_load("", name, &there, &error) == -ENOENT)
                return failure_set(&j->failure, FAILURE_NO_SUCH_FILE, ENOENT, "There is no remote '%s'.", name);
        if (unlinkat(dir, file, 0) < 0 && errno != ENOENT)
                return -errno;
        remote_done(&there);
        free(TAKE_PTR(error));
        /* Still: it is in /usr. */
        if (remote_load("", name, &there, &error) != -ENOENT && symlinkat("/dev/null", dir, file) < 0)
                return -errno;
        r = path_sync_directory(dir);
        return r;
}

int job_remote(Job *j) {
        _cleanup_free_ char *file = NULL;
        _cleanup_close_ int dir = -EBADF;
        const char *name, *action;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "action", &action);
        if (r < 0)
                return r;
        if (!remote_name_valid(name))
                return failure_set(&j->failure, FAILURE_INVALID_NAME, EINVAL, "'%s' is no name for a remote.", name_for_message(name));
        if (asprintf(&file, "%s.conf", name) < 0)
                return -ENOMEM;
        (void) mkdir(BERTH_CONFIG_DIR, 0755);
        (void) mkdir(BERTH_CONFIG_DIR "/" REMOTES_DIR, 0755);
        dir = open(BERTH_CONFIG_DIR "/" REMOTES_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        /* The umask is for what is berth's own. */
        if (dir < 0 || fchmod(dir, 0755) < 0 || flock(dir, LOCK_EX) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Cannot open " BERTH_CONFIG_DIR "/" REMOTES_DIR ": %m");
        r = streq(action, "add") ? add(j, dir, name, file) : take_away(j, dir, name, file);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Cannot change the remote '%s': %m", name);
        dir = fd_close(dir);
        job_commit(j);
        return 0;
}
