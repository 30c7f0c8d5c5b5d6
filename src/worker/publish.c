/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/settings.h"
#include "shared/image-yaml.h"
#include "storage/rootfs.h"
#include "worker/image-conf.h"
#include "worker/import.h"
#include "worker/live.h"
#include "worker/pack.h"
#include "worker/sandbox.h"
#include "worker/snapshot-store.h"
#include "worker/unlock.h"

/* publish: what a container is now, or was when a snapshot was taken, becomes an image. A child process in the container's root file system writes the archive that an export
 * of the image will give; all else is an import of it, which so has one way in. One that runs stands still until it has been read. */

typedef struct Publish {
        Job *job;
        const char *name, *compression;
        const char *snapshot; /* NULL: as it is now */
        HeldContainer held;
        Settings *settings;   /* owned */
        int image_fd, templates_fd;
        int unlocked_fd;      /* owned; keeps what one that is encrypted has written open */
        char *yaml;         /* owned */
        int archive_read, archive_write, report_fd;
        pid_t pid;
} Publish;

static void publish_done(Publish *p) {
        if (p->pid > 0) {
                (void) kill(p->pid, SIGKILL);
                (void) child_wait(p->pid);
        }
        p->settings = settings_free(p->settings);
        p->image_fd = fd_close(p->image_fd);
        p->templates_fd = fd_close(p->templates_fd);
        p->unlocked_fd = fd_close(p->unlocked_fd);
        held_container_done(&p->held);
        p->archive_read = fd_close(p->archive_read);
        p->archive_write = fd_close(p->archive_write);
        p->report_fd = fd_close(p->report_fd);
        free(TAKE_PTR(p->yaml));
}

/* What is known of the container's image, and over it what the caller says. */
static int describe(Publish *p) {
        _cleanup_(image_conf_done) ImageConf c = {};
        _cleanup_strv_ char **properties = NULL;
        const char *description = message_get(p->job->request, "description");
        struct utsname u;
        int r;

        if (uname(&u) < 0)
                return -errno;
        r = image_conf_read(p->image_fd, &c);
        if (r >= 0)
                r = image_templates_read(p->image_fd, &c.templates);
        /* That of a plain root file system was found in its os-release, and is no property. */
        if (r >= 0 && !isempty(c.description))
                r = image_conf_set_property(&c, "description", c.description);
        if (r >= 0)
                r = message_get_strv(p->job->request, "property", &properties);
        STRV_FOREACH(s, properties) {
                _cleanup_free_ char *key = strndup(*s, strcspn(*s, "="));

                if (r >= 0)
                        r = !key ? -ENOMEM : !strchr(*s, '=') ? -EINVAL : image_conf_set_property(&c, key, strchr(*s, '=') + 1);
        }
        if (r >= 0 && !isempty(description))
                r = image_conf_set_property(&c, "description", description);
        if (r < 0)
                return r;
        return image_yaml_print(&(ImageYaml) {
                .architecture = p->settings->architecture ?: c.architecture ?: u.machine,
                .created_usec = clock_usec(CLOCK_REALTIME),
                .properties = c.properties,
                .templates = &c.templates,
                .public = -1,
        }, &p->yaml);
}

static int load_settings(Publish *p) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *error = NULL;
        SnapshotConf about;
        Job *j = p->job;
        int r;

        if (p->snapshot) {
                r = snapshot_check_name(j, p->snapshot);
                if (r >= 0)
                        r = snapshot_read(j, &p->held, p->snapshot, &about, &f);
                if (r < 0)
                        return r;
        }
        r = f ? settings_load_with(p->name, f, &p->settings, &error) : settings_load(p->name, &p->settings, &error);
        if (r < 0 || !p->settings->image || !p->settings->layers)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r < 0 ? r : EINVAL, "The settings of the container '%s' cannot be used: %s", p->name,
                                   error ?: "they do not say what its image is");
        return 0;
}

/* Nothing writes to the container from here on until it is let go of. */
static int prepare(Publish *p) {
        Job *j = p->job;
        int fds[2], r;

        r = job_get(j, "name", &p->name);
        if (r < 0)
                return r;
        p->snapshot = message_get(j->request, "snapshot");
        p->compression = message_get(j->request, "compression") ?: "zstd";
        if (!pack_compression_known(p->compression))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' is no compression of an image; zstd, gzip, xz and none are.",
                                   name_for_message(p->compression));
        r = held_container_open(j, p->name, p->snapshot ? HOLD_DIRECTORY : HOLD_ANY, &p->held);
        if (r >= 0)
                r = load_settings(p);
        if (r >= 0)
                r = container_unlock(j, p->name, p->settings, &p->unlocked_fd);
        if (r < 0)
                return r;
        /* It stays for as long as the container does, under another name perhaps. */
        p->image_fd = rootfs_open_image(j->state_fd, p->settings->image);
        if (p->image_fd < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, p->image_fd, "Failed to open the image of the container '%s': %m", p->name);
        r = describe(p);
        if (r == -EINVAL || r == -E2BIG)
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, r, "A property cannot be set: its name has characters that are not allowed, "
                                   "or its value is no single line of text.");
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to describe the image: %m");
        p->templates_fd = path_open_beneath(p->image_fd, "templates", O_RDONLY | O_DIRECTORY, 0);
        if (p->templates_fd < 0 && p->templates_fd != -ENOENT)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, p->templates_fd, "Failed to open the templates of the image: %m");
        if (pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make a pipe: %m");
        p->archive_read = fds[0];
        p->archive_write = fds[1];
        (void) fcntl(p->archive_write, F_SETPIPE_SZ, 1024 * 1024); /* only speed */
        return 0;
}

static void _noreturn_ run_child(const Publish *p, int report_fd) {
        int keep[] = { p->archive_write, report_fd, p->templates_fd }, root_fd = -EBADF, r;
        PackImage image = { .metadata = p->yaml, .templates_fd = p->templates_fd, .compression = p->compression };
        Failure f = {};

        (void) signal(SIGPIPE, SIG_IGN);
        r = pack_prepare();
        if (r >= 0)
                r = fd_close_all_except(keep, p->templates_fd >= 0 ? 3 : 2);
        if (r >= 0)
                r = rootfs_enter_still(p->name, p->settings, &root_fd);
        if (r >= 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0))
                r = -errno;
        if (r < 0)
                (void) failure_set(&f, FAILURE_JOB_FAILED, r, "Failed to get at the files of the container '%s': %m", p->name);
        else
                r = pack_image(root_fd, &image, p->archive_write, &f);
        _exit(fd_write_all(report_fd, &f, sizeof f) < 0 || r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int begin(Job *j, void *userdata) {
        Publish *p = userdata;
        pid_t parent = getpid();
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make a pipe: %m");
        p->report_fd = fds[0];
        p->pid = fork();
        if (p->pid == 0) {
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                        _exit(EXIT_FAILURE);
                run_child(p, fds[1]);
        }
        (void) fd_close(fds[1]);
        p->archive_write = fd_close(p->archive_write);
        if (p->pid < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to start the process that reads the container: %m");
        return 0;
}

static int finish(Job *j, int result, void *userdata) {
        Publish *p = userdata;
        char stopped[FAILURE_TEXT_MAX];

        snprintf(stopped, sizeof stopped, "The process that reads the container '%s' stopped.", p->name);
        p->archive_read = fd_close(p->archive_read);
        result = import_child_ended(j, result, p->report_fd, &p->pid, stopped);
        if (result < 0)
                return result;
        if (p->held.runs)
                result = live_still_held(j, p->name, p->held.lock_fd);
        p->unlocked_fd = fd_close(p->unlocked_fd);
        held_container_done(&p->held);
        return result;
}

int job_publish(Job *j) {
        _cleanup_(publish_done) Publish p = {
                .job = j, .held = HELD_CONTAINER_NONE, .image_fd = -EBADF, .templates_fd = -EBADF, .unlocked_fd = -EBADF,
                .archive_read = -EBADF, .archive_write = -EBADF, .report_fd = -EBADF,
        };
        ImportSource s = { .fds = &p.archive_read, .n_fds = 1, .begin = begin, .finish = finish, .userdata = &p };
        int r;

        r = prepare(&p);
        if (r >= 0)
                r = import_run(j, &s);
        if (r < 0)
                return r;
        publish_done(&p);
        job_commit(j);
        return 0;
}
