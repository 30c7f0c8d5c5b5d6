/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/snapshot-pattern.h"
#include "shared/names.h"
#include "worker/live.h"
#include "worker/overlay.h"
#include "worker/snapshot-store.h"
#include "worker/store.h"

/* snapshot: what a container has written so far is frozen where it is, and it goes on writing into a new layer; so it takes the same time
 * whatever has been written. The layer of one that runs cannot be taken from under it: that is copied while it stands still. So it is in stores that have
 * a cheap copy and no chains, whether it runs or not.
 *
 * The container's own file of settings, which names its layers, is what counts: it is replaced at once, and only then the snapshot gets its name.
 * Whoever is killed in between leaves a container that goes on, on one more layer, without a snapshot. */

typedef struct SnapshotJob {
        Job *job;
        char name[SNAPSHOT_NAME_MAX + 1];
        HeldContainer container;
        SnapshotConf conf;
        int snapshots_fd;
        char *scratch;       /* in trash/ */
        int scratch_fd;
        OverlayLayer layer, bound; /* the new one; what all below it became if they were too many */
        char **frozen;       /* what the snapshot consists of */
} SnapshotJob;

static void snapshot_job_done(SnapshotJob *s) {
        overlay_done(s->job, &s->layer);
        overlay_done(s->job, &s->bound);
        held_container_done(&s->container);
        s->frozen = strv_free(s->frozen);
        s->snapshots_fd = fd_close(s->snapshots_fd);
        s->scratch_fd = fd_close(s->scratch_fd);
}

static bool is_taken(const SnapshotJob *s) {
        return s->snapshots_fd >= 0 && faccessat(s->snapshots_fd, s->name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* As the pattern says; settings is NULL when they have a mistake in them, which keeps nobody from a snapshot. */
static int make_name(SnapshotJob *s, const Settings *settings, const char *wanted) {
        const char *pattern = settings && settings->snapshot_pattern ? settings->snapshot_pattern : SNAPSHOT_PATTERN_DEFAULT;
        _cleanup_free_ char *head = NULL, *tail = NULL, *again = NULL;
        Job *j = s->job;
        unsigned n, next;
        int r;

        r = snapshot_pattern_expand(pattern, s->conf.created_usec, &head, &tail);
        if (r >= 0 && !tail && asprintf(&again, "%s-", head) < 0)
                r = -ENOMEM;
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make a name of '%s': %m", pattern);
        /* Without a number in it, one is put behind a name that there is already. */
        r = snapshots_count(j, s->snapshots_fd, tail ? head : again, tail ?: "", &n, &next);
        if (r < 0)
                return r;
        if (n >= SNAPSHOTS_PER_CONTAINER_MAX)
                return failure_set(&j->failure, FAILURE_LIMIT_REACHED, EDOM, "Container '%s' has %u snapshots, the most there can be.", s->container.name, n);
        if (!isempty(wanted))
                snprintf(s->name, sizeof s->name, "%s", wanted);
        else if (tail)
                snprintf(s->name, sizeof s->name, "%s%u%s", head, next, tail);
        else {
                snprintf(s->name, sizeof s->name, "%s", head);
                if (is_taken(s))
                        snprintf(s->name, sizeof s->name, "%s%u", again, MAX_OF(next, 1U));
        }
        return snapshot_check_name(j, s->name);
}

static int choose_name(SnapshotJob *s, const Settings *settings, const char *wanted) {
        int r;

        r = isempty(wanted) ? 0 : snapshot_check_name(s->job, wanted);
        if (r >= 0)
                r = make_name(s, settings, wanted);
        if (r >= 0 && is_taken(s))
                return failure_set(&s->job->failure, FAILURE_SNAPSHOT_EXISTS, EEXIST, "Container '%s' has a snapshot '%s' already.", s->container.name, s->name);
        return r;
}

static int write_snapshot(SnapshotJob *s) {
        _cleanup_(settings_file_freep) SettingsFile *f = NULL;
        _cleanup_free_ char *text = NULL, *error = NULL;
        Job *j = s->job;
        int r;

        r = settings_file_print(s->container.conf, &text);
        if (r >= 0)
                r = settings_file_parse("container.conf", text, &f, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write the snapshot: %m");
        r = overlay_set_layers(j, f, NULL, s->frozen);
        if (r >= 0)
                r = snapshot_make(j, s->scratch_fd, &s->conf, f);
        return r;
}

static int put_in_place(SnapshotJob *s) {
        int r;

        r = s->snapshots_fd >= 0 ? 0 : snapshots_open(s->job, &s->container, true, &s->snapshots_fd);
        if (r < 0)
                return r;
        if (renameat2(s->scratch_fd, "snapshot", s->snapshots_fd, s->name, RENAME_NOREPLACE) < 0)
                r = -errno;
        else
                r = path_sync_directory(s->snapshots_fd);
        if (r == -EEXIST)
                return failure_set(&s->job->failure, FAILURE_SNAPSHOT_EXISTS, r, "Container '%s' has a snapshot '%s' already.", s->container.name, s->name);
        return r < 0 ? failure_set(&s->job->failure, FAILURE_JOB_FAILED, r, "Failed to put the snapshot '%s' in its place: %m", s->name) : 0;
}

/* The new layer is for the container. */
static int freeze(SnapshotJob *s) {
        HeldContainer *c = &s->container;
        Job *j = s->job;
        int r;

        r = overlay_is_unchanged(j, c->layers);
        if (r < 0)
                return r;
        if (r > 0) {
                r = strv_copy(c->layers + 1, &s->frozen);
                if (r >= 0)
                        r = write_snapshot(s);
                return r < 0 ? r : put_in_place(s);
        }
        r = overlay_make_over(j, s->scratch_fd, c->layers, &s->frozen, &s->layer);
        if (r >= 0)
                r = overlay_publish(j, &s->layer);
        if (r >= 0)
                r = overlay_bound(j, s->scratch_fd, c->fd, c->image, &c->layers, &s->bound);
        if (r > 0)
                r = overlay_publish(j, &s->bound);
        if (r >= 0)
                r = write_snapshot(s);
        if (r >= 0)
                r = overlay_sync(j, &s->layer);
        if (r >= 0)
                r = overlay_set_layers(j, c->conf, s->layer.id, c->layers);
        if (r >= 0 && job_cancelled())
                r = job_fail_cancelled(j);
        if (r >= 0)
                r = held_container_write(j, c, c->conf);
        if (r < 0)
                return r;
        overlay_link(c->fd, (char *[]) { s->layer.id, NULL });
        r = put_in_place(s);
        overlay_keep(&s->layer);
        overlay_keep(&s->bound);
        return r;
}

/* The new layer is for the snapshot: of one that runs, or in a store without chains. */
static int copy(SnapshotJob *s) {
        HeldContainer *c = &s->container;
        Job *j = s->job;
        int r;

        r = overlay_make_copy(j, s->scratch_fd, c->layers[0], &s->layer);
        if (r >= 0)
                r = live_still_held(j, c->name, c->lock_fd);
        held_container_release(c);
        if (r >= 0)
                r = strv_extend(&s->frozen, s->layer.id);
        STRV_FOREACH(id, c->layers + 1)
                if (r >= 0)
                        r = strv_extend(&s->frozen, *id);
        if (r >= 0)
                r = overlay_publish(j, &s->layer);
        if (r >= 0)
                r = write_snapshot(s);
        /* Files of any number: one flush of the file system costs less than one for each. */
        if (r >= 0 && syncfs(s->scratch_fd) < 0)
                r = failure_set(&j->failure, FAILURE_JOB_FAILED, errno, "Failed to write the snapshot to the disk: %m");
        if (r >= 0 && job_cancelled())
                r = job_fail_cancelled(j);
        if (r >= 0)
                r = put_in_place(s);
        if (r >= 0)
                overlay_keep(&s->layer);
        return r;
}

/* As was asked for, or as the container's settings say. */
static int read_expiry(SnapshotJob *s, const Settings *settings) {
        const char *text = message_get(s->job->request, "expires");

        if (text)
                return parse_u64(text, UINT64_MAX, &s->conf.expires_usec) >= 0 ? 0 : failure_set(&s->job->failure, FAILURE_INVALID_ARGUMENT, EINVAL, "'expires' is no time.");
        if (settings && settings->snapshot_expiry_usec > 0 && settings->snapshot_expiry_usec != UINT64_MAX)
                s->conf.expires_usec = s->conf.created_usec + settings->snapshot_expiry_usec;
        return 0;
}

/* 0: it is not to be taken. */
static int take(SnapshotJob *s, const char *name, const char *wanted) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        _cleanup_free_ char *error = NULL;
        Job *j = s->job;
        int r;

        r = held_container_open(j, name, HOLD_ANY, &s->container);
        if (r < 0)
                return r;
        (void) settings_load(name, &settings, &error);
        if (message_get(j->request, "scheduled") && !s->container.runs && !(settings && settings->snapshot_stopped))
                return 0;
        r = snapshots_open(j, &s->container, false, &s->snapshots_fd);
        s->conf.created_usec = clock_usec(CLOCK_REALTIME);
        s->conf.personalised = faccessat(s->container.fd, "personalised", F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
        if (r >= 0)
                r = choose_name(s, settings, wanted);
        if (r >= 0)
                r = read_expiry(s, settings);
        if (r >= 0)
                r = store_make_scratch(j, &s->scratch, &s->scratch_fd);
        if (r >= 0)
                r = overlay_has_chains(j, s->container.layers);
        if (r >= 0)
                r = s->container.runs || r == 0 ? copy(s) : freeze(s);
        return r < 0 ? r : 1;
}

int job_snapshot(Job *j) {
        SnapshotJob s = { .job = j, .container = HELD_CONTAINER_NONE, .snapshots_fd = -EBADF, .scratch_fd = -EBADF, .layer = OVERLAY_LAYER_NONE, .bound = OVERLAY_LAYER_NONE };
        _cleanup_free_ char *scratch = NULL, *frozen = NULL;
        const char *name, *wanted;
        int r;

        r = job_get(j, "name", &name);
        if (r >= 0)
                r = job_get(j, "snapshot", &wanted);
        if (r >= 0)
                r = take(&s, name, wanted);
        scratch = TAKE_PTR(s.scratch);
        if (r > 0)
                frozen = strdup(s.frozen[0]);
        snapshot_job_done(&s);
        if (r >= 0) {
                job_result(j, "name=%s%s", s.name, s.conf.expires_usec > 0 ? " expires" : "");
                job_commit(j);
                if (frozen)
                        overlay_note_size(j, frozen);
        }
        if (scratch)
                store_empty_trash(j, scratch);
        return r;
}
