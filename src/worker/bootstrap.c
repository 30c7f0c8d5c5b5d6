/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/foreign-range.h"
#include "shared/image-yaml.h"
#include "shared/names.h"
#include "worker/builder.h"
#include "worker/import.h"
#include "worker/pack.h"
#include "worker/sandbox.h"
#include "worker/store.h"

/* bootstrap: an image is built of a distribution's packages. A builder makes a tree in the scratch directory (worker/builder.h), a child process archives it into a pipe, and all
 * else is an import of that: what a builder and the packages have made is a stranger's as any archive is. */

#define ROOT "root"

typedef struct Bootstrap {
        Job *job;
        const char *family, *release, *compression;
        int log_fd, keyring_fd; /* borrowed */
        char *scratch;          /* owned: in trash/ */
        int scratch_fd, root_fd;
        Built built;
        char *yaml;             /* owned */
        int archive_read, report_fd;
        pid_t pid;
} Bootstrap;

static void bootstrap_done(Bootstrap *b) {
        if (b->pid > 0) {
                (void) kill(b->pid, SIGKILL);
                (void) child_wait(b->pid);
        }
        built_done(&b->built);
        free(TAKE_PTR(b->yaml));
        b->root_fd = fd_close(b->root_fd);
        b->scratch_fd = fd_close(b->scratch_fd);
        b->archive_read = fd_close(b->archive_read);
        b->report_fd = fd_close(b->report_fd);
}

/* Which of the request's fds is meant. */
static int request_fd(const Job *j, const char *key) {
        uint32_t i;

        return message_get_u32(j->request, key, &i) >= 0 && i < j->request->n_fds ? j->request->fds[i] : -EBADF;
}

static int make_root(Bootstrap *b) {
        uint32_t base = foreign_uid_base();
        Job *j = b->job;
        int r;

        r = store_make_scratch(j, &b->scratch, &b->scratch_fd);
        if (r < 0)
                return r;
        b->root_fd = path_make_directory(b->scratch_fd, ROOT, 0755);
        if (b->root_fd < 0 || fchown(b->root_fd, base, base) < 0 || fchmod(b->root_fd, 0755) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, b->root_fd < 0 ? b->root_fd : errno, "Failed to make a directory to build in: %m");
        return 0;
}

/* Its components are the builder's, which may be links. */
static void remove_leftover(const Bootstrap *b, const char *path) {
        const char *name = strrchr(path, '/');
        _cleanup_free_ char *parent = name ? strndup(path, (size_t) (name - path)) : NULL;
        _cleanup_close_ int fd = -EBADF;

        if (!parent)
                return;
        fd = path_open_beneath(b->root_fd, parent, O_RDONLY | O_DIRECTORY, 0);
        if (fd >= 0)
                (void) path_remove_tree(fd, name + 1);
}

static int describe(Bootstrap *b) {
        _cleanup_strv_ char **properties = NULL, **all = NULL;
        const char *description = message_get(b->job->request, "description");
        struct utsname u;
        int r;

        if (uname(&u) < 0)
                return -errno;
        r = message_get_strv(b->job->request, "property", &properties);
        if (r >= 0 && !strv_get_value(properties, "os"))
                r = strv_extendf(&all, "os=%s", b->family);
        if (r >= 0 && !strv_get_value(properties, "release"))
                r = strv_extendf(&all, "release=%s", b->release);
        if (r >= 0 && !strv_get_value(properties, "architecture"))
                r = strv_extendf(&all, "architecture=%s", u.machine);
        if (r >= 0 && !strv_get_value(properties, "description"))
                r = isempty(description) ? strv_extendf(&all, "description=%s %s, built by %s", b->built.title, b->release, b->built.builder) :
                    strv_extendf(&all, "description=%s", description);
        STRV_FOREACH(p, properties)
                if (r >= 0)
                        r = strv_extend(&all, *p);
        if (r < 0)
                return r;
        return image_yaml_print(&(ImageYaml) {
                .architecture = u.machine,
                .created_usec = clock_usec(CLOCK_REALTIME),
                .properties = all,
                .templates = &(const ImageTemplates) {},
                .public = -1,
        }, &b->yaml);
}

static void _noreturn_ run_child(const Bootstrap *b, int archive_fd, int report_fd) {
        const PackImage image = { .metadata = b->yaml, .templates_fd = -EBADF, .compression = b->compression };
        int keep[] = { archive_fd, report_fd, b->root_fd }, r;
        Failure f = {};

        (void) signal(SIGPIPE, SIG_IGN);
        r = pack_prepare();
        if (r >= 0)
                r = sandbox_become_writer(b->root_fd, keep, ELEMENTSOF(keep));
        if (r < 0)
                (void) failure_set(&f, FAILURE_JOB_FAILED, r, "Failed to get at the files that were built: %m");
        else
                r = pack_image(b->root_fd, &image, archive_fd, &f);
        _exit(fd_write_all(report_fd, &f, sizeof f) < 0 || r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int start_packing(Bootstrap *b) {
        _cleanup_close_ int archive_write = -EBADF, report_write = -EBADF;
        Job *j = b->job;
        int fds[2], r;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make a pipe: %m");
        b->archive_read = fds[0];
        archive_write = fds[1];
        (void) fcntl(archive_write, F_SETPIPE_SZ, 1024 * 1024); /* only speed */
        if (pipe2(fds, O_CLOEXEC) < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to make a pipe: %m");
        b->report_fd = fds[0];
        report_write = fds[1];
        r = sandbox_fork(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, &b->pid);
        if (r == 0)
                run_child(b, archive_write, report_write);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to start the process that archives what was built: %m") : 0;
}

/* ImportSource.begin: names and aliases are good, there is room for an image. */
static int begin(Job *j, void *userdata) {
        _cleanup_free_ char *directory = NULL;
        Bootstrap *b = userdata;
        int r;

        r = make_root(b);
        if (r < 0)
                return r;
        if (asprintf(&directory, BERTH_STATE_DIR "/" DIR_TRASH "/%s/" ROOT, b->scratch) < 0)
                return -ENOMEM;
        r = builder_run(j, directory, b->keyring_fd, b->log_fd, &b->built);
        if (r < 0)
                return r;
        STRV_FOREACH(l, b->built.leftovers)
                remove_leftover(b, *l);
        r = describe(b);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to describe the image: %m");
        return start_packing(b);
}

static int finish(Job *j, int result, void *userdata) {
        Bootstrap *b = userdata;

        b->archive_read = fd_close(b->archive_read);
        return import_child_ended(j, result, b->report_fd, &b->pid, "The process that archives what was built stopped.");
}

static int prepare(Bootstrap *b) {
        Job *j = b->job;
        int r;

        r = job_get(j, "family", &b->family);
        if (r >= 0)
                r = job_get(j, "release", &b->release);
        if (r < 0)
                return r;
        b->compression = message_get(j->request, "compression") ?: "zstd";
        if (!pack_compression_known(b->compression))
                return failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'%s' is no compression of an image; zstd, gzip, xz and none are.",
                                   name_for_message(b->compression));
        b->log_fd = request_fd(j, "log");
        b->keyring_fd = request_fd(j, "keyring");
        if (!message_get(j->request, "alias")) {
                r = message_addf(j->request, "alias", "%s/%s", b->family, b->release);
                if (r < 0)
                        return r;
        }
        return 0;
}

int job_bootstrap(Job *j) {
        _cleanup_free_ char *scratch = NULL;
        Bootstrap b = { .job = j, .scratch_fd = -EBADF, .root_fd = -EBADF, .archive_read = -EBADF, .report_fd = -EBADF };
        const ImportSource s = { .fds = &b.archive_read, .n_fds = 1, .begin = begin, .finish = finish, .userdata = &b };
        int r;

        r = prepare(&b);
        if (r >= 0)
                r = import_run(j, &s);
        bootstrap_done(&b);
        scratch = TAKE_PTR(b.scratch);
        if (r >= 0)
                job_commit(j);
        if (scratch)
                store_empty_trash(j, scratch);
        return r;
}
