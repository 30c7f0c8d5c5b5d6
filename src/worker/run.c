/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/run.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "worker/isolation.h"

#define WORKER "berth-worker"
#define ARCHIVE_WORKER "berth-worker-archive"
#define KIND_NEXT "next"

static const WorkerKind *find_kind(const WorkerKind *kinds, const char *name) {
        for (; kinds->name; kinds++)
                if (streq(kinds->name, name))
                        return kinds;
        return NULL;
}

static int usage(const WorkerKind *kinds, FILE *f) {
        fprintf(f, "berth-worker [--isolate=HOMES] [--state-dir=DIR] KIND\n\n"
                   "Does one job of the berth manager; the request comes on standard input. Not for people.\nKinds:");
        for (; kinds->name; kinds++)
                fprintf(f, " %s", kinds->name);
        fprintf(f, "\n");
        return f == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The other program, which is where this one is, with the same arguments, process id and request. */
static int become_archive_worker(char *argv[]) {
        char path[PATH_MAX], *slash;
        ssize_t n;

        n = readlink("/proc/self/exe", path, sizeof path - sizeof ARCHIVE_WORKER - 1);
        if (n < 0)
                return log_error_errno(errno, "Failed to find out where this program is: %m");
        path[n] = 0;
        slash = strrchr(path, '/');
        strcpy(slash ? slash + 1 : path, ARCHIVE_WORKER);
        (void) execv(path, argv);
        return log_error_errno(errno, "Failed to execute '%s': %m", path);
}

/* The unit of a spare worker allows what the kind that needs most does. */
static int drop_capabilities(uint64_t kept) {
        static const cap_value_t values[] = { CAP_SETFCAP, CAP_MKNOD, CAP_SYS_PTRACE };
        cap_t caps = cap_get_proc();
        int r = 0;

        if (!caps)
                return -errno;
        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                if (kept & UINT64_C(1) << values[i])
                        continue;
                /* Takes CAP_SETPCAP, which those have that make user namespaces. */
                (void) prctl(PR_CAPBSET_DROP, values[i], 0, 0, 0);
                for (cap_flag_t flag = CAP_EFFECTIVE; flag <= CAP_INHERITABLE; flag++)
                        if (r >= 0 && cap_set_flag(caps, flag, 1, values + i, CAP_CLEAR) < 0)
                                r = -errno;
        }
        if (r >= 0 && cap_set_proc(caps) < 0)
                r = -errno;
        (void) cap_free(caps);
        return r;
}

static int isolate(const char *homes, Failure *f) {
        int r = homes ? isolation_enter(streq(homes, "hidden")) : 0;

        return r < 0 ? failure_set(f, FAILURE_JOB_FAILED, r, "Failed to take the host's files and network away from the job: %m") : 0;
}

/* A spare worker: waits for a request, which says of what kind it is. Returns 0 when none will come. */
static int take_next(const WorkerKind *kinds, const char *homes, const char *state_dir, Job *j, const WorkerKind **ret) {
        const char *name;
        int r;

        (void) prctl(PR_SET_NAME, "berth-spare");
        r = job_await(STDIN_FILENO);
        if (r == -ENODATA) {
                /* Not asked for anything, it has not failed. */
                (void) sd_notify(0, "READY=1");
                return 0;
        }
        (void) prctl(PR_SET_NAME, program_invocation_short_name);
        if (r < 0)
                return log_error_errno(r, "Failed to wait for a request: %m");
        /* Not before: what the host has mounted since then belongs to what is taken away. */
        r = isolate(homes, &j->failure);
        if (r >= 0)
                r = job_open(j, STDIN_FILENO, state_dir);
        if (r >= 0)
                r = job_get(j, "kind", &name);
        if (r >= 0 && (!(*ret = find_kind(kinds, name)) || !(*ret)->function))
                r = failure_set(&j->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "A spare worker cannot do this kind of job.");
        if (r >= 0)
                r = drop_capabilities((*ret)->keeps);
        return r < 0 ? r : 1;
}

int worker_run(const WorkerKind *kinds, int argc, char *argv[]) {
        static const struct option options[] = {
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, 'V' },
                { "isolate", required_argument, NULL, 'i' },
                { "state-dir", required_argument, NULL, 's' },
                {},
        };
        const char *state_dir = BERTH_STATE_DIR;
        const WorkerKind *kind = NULL;
        Job job = { .state_fd = -EBADF };
        const char *homes = NULL;
        int c, r = 0;

        log_open("berth-worker");
        (void) umask(0077);

        while ((c = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (c) {
                case 'h':
                        return usage(kinds, stdout);
                case 'V':
                        printf("berth %s\n", BERTH_VERSION);
                        return EXIT_SUCCESS;
                case 'i':
                        homes = optarg;
                        break;
                case 's':
                        state_dir = optarg;
                        break;
                default:
                        return usage(kinds, stderr);
                }
        if (optind != argc - 1)
                return usage(kinds, stderr);

        if (streq(argv[optind], KIND_NEXT)) {
                r = take_next(kinds, homes, state_dir, &job, &kind);
                if (r == 0)
                        return EXIT_SUCCESS;
        } else {
                kind = find_kind(kinds, argv[optind]);
                if (!kind)
                        return usage(kinds, stderr);
                if (!kind->function) {
                        (void) become_archive_worker(argv);
                        return EXIT_FAILURE;
                }
                r = isolate(homes, &job.failure);
                if (r >= 0)
                        r = job_open(&job, STDIN_FILENO, state_dir);
        }
        if (r >= 0)
                r = kind->function(&job);
        if (r < 0)
                job_report_failure(&job);
        job_close(&job);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
