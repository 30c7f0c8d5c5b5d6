/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/job.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "containerd/error.h"
#include "containerd/job-bus.h"
#include "containerd/job-spare.h"
#include "containerd/job-unit.h"
#include "containerd/store.h"
#include "shared/bus-names.h"
#include "shared/names.h"

/* Beside /run/berth/NAME of the containers, with a name that no container can have. */
#define JOBS_DIR ".jobs"
#define LAST_ID_FILE "last-id"

static const char *const kind_names[_JOB_KIND_MAX] = {
        [JOB_IMPORT] = "import", [JOB_CREATE] = "create", [JOB_CLONE] = "clone", [JOB_DELETE] = "delete", [JOB_REMOVE_IMAGE] = "remove-image",
        [JOB_SNAPSHOT] = "snapshot", [JOB_RESTORE] = "restore", [JOB_CHANGE_SNAPSHOT] = "change-snapshot", [JOB_DELETE_SNAPSHOTS] = "delete-snapshots", [JOB_RENAME] = "rename", [JOB_CHANGE_KEY] = "change-key", [JOB_MOVE] = "move",
        [JOB_ALIAS] = "alias", [JOB_CONFIGURE] = "configure", [JOB_COPY_TO] = "copy-to", [JOB_COPY_FROM] = "copy-from",
        [JOB_PROFILE] = "profile", [JOB_PUBLISH] = "publish", [JOB_PULL] = "pull", [JOB_BOOTSTRAP] = "bootstrap", [JOB_REMOTE] = "remote", [JOB_IMAGE] = "image", [JOB_SERVER] = "server", [JOB_STORES] = "stores", [JOB_COLLECT] = "collect",
};

const char *job_kind_to_string(JobKind k) {
        return k >= 0 && k < _JOB_KIND_MAX ? kind_names[k] : NULL;
}

JobKind job_kind_from_string(const char *s) {
        for (int i = 0; i < _JOB_KIND_MAX; i++)
                if (streq(kind_names[i], s))
                        return (JobKind) i;
        return _JOB_KIND_INVALID;
}

Job *job_free(Job *j) {
        if (!j)
                return NULL;
        if (j->manager) {
                for (size_t i = 0; i < JOBS_MAX; i++)
                        if (j->manager->jobs[i] == j)
                                j->manager->jobs[i] = NULL;
                for (size_t i = 0; i < _SPARE_CLASS_MAX; i++)
                        if (j->manager->spares[i] == j)
                                j->manager->spares[i] = NULL;
                if (j->manager->systemd)
                        systemd_forget(j->manager->systemd, j);
        }
        sd_event_source_disable_unref(j->channel);
        (void) fd_close(j->channel_fd);
        free(j->target);
        free(j->source);
        free(j->client);
        free(j->unit);
        free(j->status);
        free(j->result);
        free(j->error);
        free(j);
        return NULL;
}

size_t job_count(const Manager *m) {
        size_t n = 0;

        for (size_t i = 0; i < JOBS_MAX; i++)
                n += m->jobs[i] != NULL;
        return n;
}

Job *job_find(Manager *m, unsigned id) {
        for (size_t i = 0; i < JOBS_MAX; i++)
                if (m->jobs[i] && m->jobs[i]->id == id)
                        return m->jobs[i];
        return NULL;
}

Job *job_find_target(Manager *m, JobKind kind, const char *target) {
        for (size_t i = 0; i < JOBS_MAX; i++)
                if (m->jobs[i] && m->jobs[i]->kind == kind && streq(m->jobs[i]->target, target))
                        return m->jobs[i];
        return NULL;
}

bool job_copies(Manager *m, const char *name) {
        for (size_t i = 0; i < JOBS_MAX; i++) {
                const Job *j = m->jobs[i];

                if (j && (j->kind == JOB_CLONE ? streq_ptr(j->source, name) : (j->kind == JOB_SNAPSHOT || j->kind == JOB_PUBLISH) && streq(j->target, name)))
                        return true;
        }
        return false;
}

int job_new(Manager *m, unsigned id, Job **ret) {
        _cleanup_(job_freep) Job *j = NULL;

        j = malloc(sizeof *j);
        if (!j)
                return -ENOMEM;
        *j = (Job) { .manager = m, .id = id, .kind = _JOB_KIND_INVALID, .progress = -1, .channel_fd = -EBADF };
        j->status = strdup("");
        if (!j->status || job_unit(id, &j->unit) < 0)
                return -ENOMEM;
        *ret = TAKE_PTR(j);
        return 0;
}

/* Gives it its work and a place in the table. */
static int job_enter(Job *j, JobKind kind, const char *target, uid_t owner, const char *client) {
        j->kind = kind;
        j->owner = owner;
        if (free_and_strdup(&j->target, target) < 0 || free_and_strdup(&j->client, client) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < JOBS_MAX; i++)
                if (!j->manager->jobs[i]) {
                        j->manager->jobs[i] = j;
                        return 0;
                }
        return -ENOBUFS;
}

static int open_jobs_directory(void) {
        _cleanup_close_ int run = -EBADF;

        run = open(BERTH_RUNTIME_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return run < 0 ? -errno : path_make_directory(run, JOBS_DIR, 0700);
}

static void note_used_id(unsigned id, void *userdata) {
        Manager *m = userdata;

        m->last_job_id = MAX_OF(m->last_job_id, id);
}

/* These files speak of now and are worthless after a crash of the host: no fsync, unlike path_write_atomic(). */
static int write_file(int dir, const char *name, const char *text) {
        _cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

        return fd < 0 ? -errno : fd_write_all(fd, text, strlen(text));
}

static int write_down(const Job *j) {
        _cleanup_close_ int dir = open_jobs_directory();
        _cleanup_free_ char *text = NULL;
        char name[DECIMAL_MAX];
        int r;

        if (dir < 0)
                return dir;
        snprintf(name, sizeof name, "%u", j->manager->last_job_id);
        r = write_file(dir, LAST_ID_FILE, name);
        if (r < 0)
                return r;
        snprintf(name, sizeof name, "%u", j->id);
        if (asprintf(&text, "KIND=%s\nTARGET=%s\nOWNER=%u\n", job_kind_to_string(j->kind), j->target, j->owner) < 0)
                return -ENOMEM;
        return write_file(dir, name, text);
}

static void strike_out(unsigned id) {
        _cleanup_close_ int dir = open_jobs_directory();
        char name[DECIMAL_MAX];

        snprintf(name, sizeof name, "%u", id);
        if (dir >= 0)
                (void) unlinkat(dir, name, 0);
}

void job_forget_finished(Manager *m) {
        _cleanup_free_ char *last = NULL;
        struct dirent *de;
        uint32_t id;
        int dir;
        DIR *d;

        /* An id that is seen anywhere is not used again: the remains of a job bear it. */
        (void) store_debris(note_used_id, m);
        dir = open_jobs_directory();
        if (dir < 0) {
                log_warning_errno(dir, "Cannot open '" BERTH_RUNTIME_DIR "/" JOBS_DIR "', ignoring: %m");
                return;
        }
        if (path_read(dir, LAST_ID_FILE, 64, &last, NULL) >= 0 && parse_u32(last, UINT32_MAX, &id) >= 0)
                note_used_id(id, m);
        d = fdopendir(dir);
        if (!d) {
                (void) close(dir);
                return;
        }
        while ((de = readdir(d)))
                if (parse_u32(de->d_name, UINT32_MAX, &id) >= 0) {
                        note_used_id(id, m);
                        if (!job_find(m, id))
                                (void) unlinkat(dirfd(d), de->d_name, 0);
                }
        (void) closedir(d);
}

static void job_settle_objects(const Job *j) {
        /* What a job has changed on disk is known, and told by signals, before its caller hears of the end. */
        switch (j->kind) {

        case JOB_IMPORT:
        case JOB_PUBLISH:
        case JOB_PULL:
        case JOB_BOOTSTRAP:
        case JOB_REMOVE_IMAGE:
                (void) manager_refresh_images(j->manager);
                break;

        case JOB_CREATE:
        case JOB_CLONE:
        case JOB_DELETE:
        case JOB_RENAME:
        case JOB_MOVE:
                (void) manager_refresh_containers(j->manager);
                break;

        case JOB_ALIAS:
        case JOB_IMAGE:
        case JOB_CONFIGURE:
                job_bus_target_changed(j);
                break;

        case JOB_SERVER:
                manager_reload_server(j->manager);
                break;

        case JOB_SNAPSHOT:
        case JOB_RESTORE:
        case JOB_CHANGE_SNAPSHOT:
        case JOB_DELETE_SNAPSHOTS:
        case JOB_CHANGE_KEY:
        case JOB_COPY_TO:
        case JOB_COPY_FROM:
        case JOB_PROFILE:
        case JOB_REMOTE:
        case JOB_STORES:
        case JOB_COLLECT:
        case _JOB_KIND_MAX:
        case _JOB_KIND_INVALID:
                break;
        }
}

static void job_finish(Job *j, const sd_bus_error *error) {
        const JobKind kind = j->kind;
        Manager *m = j->manager;
        bool failed = error && kind != JOB_COLLECT;

        strike_out(j->id);
        job_settle_objects(j);
        job_bus_removed(j, error);
        if (error)
                log_info("Job %u (%s %s) failed: %s", j->id, job_kind_to_string(j->kind), j->target, error->message);
        if (j->done)
                j->done(j->userdata, j, error);
        job_free(j);
        if (failed)
                job_collect(m);
        job_spare_arrange(m, kind);
}

static void job_explain(const Job *j, const UnitOutcome *outcome, sd_bus_error *error) {
        const char *kind = job_kind_to_string(j->kind), *how = outcome->service_result;
        const char *sentence = streq(how, "oom-kill") ? "ran out of memory" :
                               streq(how, "signal") || streq(how, "core-dump") ? "was killed" :
                               streq(how, "timeout") || streq(how, "watchdog") ? "took too long" :
                               "failed without saying why";

        if (outcome->error)
                sd_bus_error_setf(error, BERTH_ERROR_JOB_FAILED, "The %s job could not be started: %s", kind, outcome->error->message);
        else if (j->cancelled)
                sd_bus_error_setf(error, BERTH_ERROR_CANCELLED, "The %s job was cancelled.", kind);
        else if (j->error)
                error_from_text(error, j->error);
        else if (streq(outcome->result, "canceled"))
                sd_bus_error_setf(error, BERTH_ERROR_CANCELLED, "The %s job was stopped.", kind);
        else
                sd_bus_error_setf(error, BERTH_ERROR_JOB_FAILED, "The %s job %s.", kind, sentence);
}

void job_on_done(Job *j, const char *result) {
        if (result)
                (void) free_and_strdup(&j->result, result);
        j->cancelled = false; /* too late, it was committed */
        job_finish(j, NULL);
}

void job_on_unit_started(void *userdata, const UnitOutcome *outcome) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Job *j = userdata;

        /* A spare one that went away unused. */
        if (job_is_spare(j)) {
                job_free(j);
                return;
        }
        if (!outcome->error && streq(outcome->result, "done")) {
                job_on_done(j, NULL);
                return;
        }
        /* A cancelled job is over when its unit has been stopped, that is when the worker has cleared up behind it. */
        if (j->cancelled)
                return;
        job_explain(j, outcome, &error);
        job_finish(j, &error);
}

static int job_add_ids(const Job *j, Message *request) {
        int r;

        r = message_add(request, "kind", job_kind_to_string(j->kind));
        if (r >= 0)
                r = message_addf(request, "id", "%u", j->id);
        if (r >= 0)
                r = message_addf(request, "owner", "%u", j->owner);
        return r;
}

int job_start(Manager *m, JobKind kind, const char *target, uid_t owner, const char *client, Message *request,
              JobDone done, void *userdata, Job **ret, sd_bus_error *error) {
        _cleanup_(job_freep) Job *j = NULL;
        size_t of_owner = 0;
        bool spare;
        int r;

        assert(m && target && client && request);

        for (size_t i = 0; i < JOBS_MAX; i++)
                of_owner += m->jobs[i] && m->jobs[i]->owner == owner;
        if (job_count(m) >= JOBS_MAX || (owner != 0 && of_owner >= server_get_number(&m->server, SERVER_JOBS_PER_USER_MAX)))
                return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "Too many jobs are running. Try again when some are done.");

        /* A spare one cannot lock the memory that a key is in. */
        j = message_get(request, "encrypted") ? NULL : job_spare_take(m, kind);
        spare = j != NULL;
        r = spare ? 0 : job_new(m, ++m->last_job_id, &j);
        if (r >= 0)
                r = job_enter(j, kind, target, owner, client);
        if (r >= 0)
                r = free_and_strdup(&j->source, message_get(request, "source"));
        if (r >= 0)
                r = job_add_ids(j, request);
        if (r < 0)
                return r;
        r = write_down(j);
        if (r < 0)
                return sd_bus_error_set_errnof(error, r, "Cannot write down the job in '" BERTH_RUNTIME_DIR "': %m");
        r = spare ? job_unit_send(j, request) : job_unit_start(j, request);
        if (r < 0)
                strike_out(j->id);
        if (r == -EMSGSIZE || r == -E2BIG)
                return sd_bus_error_set(error, BERTH_ERROR_LIMIT_REACHED, "The request is too large.");
        if (r < 0)
                return r;

        j->done = done;
        j->userdata = userdata;
        job_bus_new(j);
        if (ret)
                *ret = j;
        TAKE_PTR(j);
        return 0;
}

static void read_down(unsigned id, JobKind *kind, char **target, uint32_t *owner) {
        _cleanup_close_ int dir = open_jobs_directory();
        _cleanup_free_ char *text = NULL;
        char name[DECIMAL_MAX];

        snprintf(name, sizeof name, "%u", id);
        if (dir < 0 || path_read(dir, name, 4096, &text, NULL) < 0)
                return;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                const char *v;

                if ((v = startswith(line, "KIND=")))
                        *kind = job_kind_from_string(v);
                else if ((v = startswith(line, "TARGET=")))
                        (void) free_and_strdup(target, v);
                else if ((v = startswith(line, "OWNER=")))
                        (void) parse_u32(v, UINT32_MAX - 1, owner);
        }
}

int job_restore(Manager *m, unsigned id) {
        _cleanup_(job_freep) Job *j = NULL;
        _cleanup_free_ char *target = NULL;
        JobKind kind = _JOB_KIND_INVALID;
        uint32_t owner = 0;
        int r;

        read_down(id, &kind, &target, &owner);
        note_used_id(id, m);
        if (kind < 0)
                return -ENOENT;
        r = job_new(m, id, &j);
        if (r >= 0)
                r = job_enter(j, kind, target ?: "", owner, "");
        if (r < 0)
                return r;
        r = systemd_wait_unit(m->systemd, j->unit, job_on_unit_started, j);
        if (r < 0)
                return r;
        TAKE_PTR(j);
        return 0;
}

typedef struct Cancellation {
        Manager *manager;
        unsigned id;
        Done done;
        void *userdata;
} Cancellation;

static void on_unit_stopped(void *userdata, const UnitOutcome *outcome) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ Cancellation *c = userdata;
        Job *j = job_find(c->manager, c->id);

        if (j) {
                job_explain(j, &(UnitOutcome) { .result = "canceled", .status = "", .service_result = "" }, &error);
                job_finish(j, &error);
        }
        if (c->done)
                c->done(c->userdata, outcome->error);
}

int job_cancel(Job *j, Done done, void *userdata, sd_bus_error *error) {
        Cancellation *c;
        int r;

        assert(j);

        c = malloc(sizeof *c);
        if (!c)
                return -ENOMEM;
        *c = (Cancellation) { .manager = j->manager, .id = j->id, .done = done, .userdata = userdata };
        r = systemd_unit_job(j->manager->systemd, "StopUnit", j->unit, on_unit_stopped, c);
        if (r < 0) {
                free(c);
                return r;
        }
        j->cancelled = true;
        return 0;
}

void job_set_status(Job *j, const char *text) {
        const char *rest;
        char *end = NULL;

        assert(j && text);

        if ((rest = startswith(text, "progress "))) {
                _cleanup_free_ char *status = NULL;
                double progress = strtod(rest, &end);

                /* Not a number is not above 1 either. */
                if (end == rest || (*end && *end != ' ') || !(progress <= 1) || string_escape(*end ? end + 1 : "", &status) < 0)
                        return;
                free(j->status);
                j->status = TAKE_PTR(status);
                j->progress = progress < 0 ? -1 : progress;
                job_bus_changed(j);
        } else if ((rest = startswith(text, "result ")))
                (void) free_and_strdup(&j->result, rest);
        else if ((rest = startswith(text, "error ")))
                (void) free_and_strdup(&j->error, rest);
}

static void count_orphan(unsigned id, void *userdata) {
        Manager *m = userdata;

        m->n_orphans += !job_find(m, id);
}

void job_collect(Manager *m) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        if (job_find_target(m, JOB_COLLECT, ""))
                return;
        m->n_orphans = 0;
        (void) store_debris(count_orphan, m);
        if (m->n_orphans == 0)
                return;
        log_info("Collecting what %u jobs have left behind", m->n_orphans);
        r = message_new(&request);
        if (r >= 0)
                r = job_start(m, JOB_COLLECT, "", 0, "", request, NULL, NULL, NULL, &error);
        if (r < 0)
                log_warning_errno(r, "Cannot start the collect job, ignoring: %s", error.message ?: strerror(-r));
}
