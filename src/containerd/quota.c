/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/quota.h"

#include "containerd/container.h"
#include "containerd/image.h"
#include "containerd/job.h"
#include "containerd/snapshot.h"
#include "shared/bus-names.h"

#define KIND(kind) (UINT64_C(1) << (kind))

static uint64_t count_jobs(const Manager *m, uint64_t kinds, uid_t uid) {
        uint64_t n = 0;

        for (size_t i = 0; i < JOBS_MAX; i++)
                n += m->jobs[i] && (kinds & KIND(m->jobs[i]->kind)) && m->jobs[i]->owner == uid;
        return n;
}

static uint64_t count_containers(Manager *m, uid_t uid) {
        uint64_t n = count_jobs(m, KIND(JOB_CREATE) | KIND(JOB_CLONE), uid);

        TABLE_FOREACH(Container, c, &m->containers)
                n += c->record.owner == uid;
        return n;
}

static uint64_t count_running(Manager *m, uid_t uid) {
        uint64_t n = 0;

        TABLE_FOREACH(Container, c, &m->containers)
                n += c->record.owner == uid && ((c->unit_state != CONTAINER_STOPPED && c->unit_state != CONTAINER_FAILED) || c->starting || c->run_in_active);
        return n;
}

static uint64_t count_images(Manager *m, uid_t uid) {
        uint64_t n = count_jobs(m, KIND(JOB_IMPORT) | KIND(JOB_PUBLISH) | KIND(JOB_PULL) | KIND(JOB_BOOTSTRAP), uid);

        TABLE_FOREACH(Image, i, &m->images)
                n += i->record.owner == uid;
        return n;
}

static uint64_t walk_snapshots(Manager *m, uid_t uid, bool bytes) {
        uint64_t n = 0;

        TABLE_FOREACH(Container, c, &m->containers) {
                Snapshots all = {};

                if (c->record.owner != uid || snapshots_read(c->name, &all) < 0)
                        continue;
                for (size_t i = 0; i < all.n; i++)
                        n += !bytes ? 1 : all.items[i].size_bytes == SNAPSHOT_SIZE_UNKNOWN ? 0 : all.items[i].size_bytes;
                snapshots_done(&all);
        }
        return n;
}

static uint64_t count_snapshots(Manager *m, uid_t uid) {
        uint64_t n = walk_snapshots(m, uid, false);

        /* Whoever has asked for it: a schedule's are root's jobs. */
        for (size_t i = 0; i < JOBS_MAX; i++) {
                const Container *c = m->jobs[i] && m->jobs[i]->kind == JOB_SNAPSHOT ? table_get(&m->containers, m->jobs[i]->target) : NULL;

                n += c && c->record.owner == uid;
        }
        return n;
}

static uint64_t count_disk(Manager *m, uid_t uid) {
        uint64_t n = walk_snapshots(m, uid, true);

        TABLE_FOREACH(Image, i, &m->images)
                if (i->record.owner == uid)
                        n += i->record.rootfs_bytes + (i->record.archives ? i->record.size_bytes : 0);
        return n;
}

static const struct {
        ServerKey key;
        uint64_t (*count)(Manager *m, uid_t uid);
        const char *sentence; /* "You have %llu …" */
} kinds[_QUOTA_KIND_MAX] = {
        [QUOTA_CONTAINERS] = { SERVER_CONTAINERS_PER_USER_MAX, count_containers, "containers, the most a user can have" },
        [QUOTA_RUNNING] = { SERVER_RUNNING_PER_USER_MAX, count_running, "containers that run, the most a user can have at once" },
        [QUOTA_IMAGES] = { SERVER_IMAGES_PER_USER_MAX, count_images, "images, the most a user can have" },
        [QUOTA_SNAPSHOTS] = { SERVER_SNAPSHOTS_PER_USER_MAX, count_snapshots, "snapshots, the most a user can have" },
        [QUOTA_DISK] = { SERVER_DISK_PER_USER_MAX, count_disk, "bytes of images and snapshots, as much as a user can have or more" },
};

const char *quota_key(QuotaKind kind) {
        return server_table[kinds[kind].key].name;
}

uint64_t quota_limit(const Manager *m, QuotaKind kind) {
        return server_get_number(&m->server, kinds[kind].key);
}

uint64_t quota_used(Manager *m, QuotaKind kind, uid_t uid) {
        TABLE_FOREACH(Container, c, &m->containers)
                (void) container_load(c, -EBADF);
        if (kind == QUOTA_IMAGES || kind == QUOTA_DISK)
                TABLE_FOREACH(Image, i, &m->images)
                        (void) image_load(i, -EBADF);
        return kinds[kind].count(m, uid);
}

int quota_check(Manager *m, QuotaKind kind, uid_t uid, sd_bus_error *error) {
        uint64_t limit, used;

        if (uid == 0)
                return 0;
        limit = quota_limit(m, kind);
        if (limit == UINT64_MAX)
                return 0;
        used = quota_used(m, kind, uid);
        if (used < limit)
                return 0;
        return sd_bus_error_setf(error, BERTH_ERROR_QUOTA_EXCEEDED, "You have %llu %s (%s=%s in berth.conf).", (unsigned long long) used, kinds[kind].sentence,
                                 quota_key(kind), server_get(&m->server, kinds[kind].key));
}

int quota_check_image(Manager *m, uid_t uid, sd_bus_error *error) {
        int r = quota_check(m, QUOTA_IMAGES, uid, error);

        return r < 0 ? r : quota_check(m, QUOTA_DISK, uid, error);
}

uint64_t quota_room(Manager *m, uid_t uid) {
        uint64_t limit = quota_limit(m, QUOTA_DISK), used;

        if (uid == 0 || limit == UINT64_MAX)
                return UINT64_MAX;
        used = quota_used(m, QUOTA_DISK, uid);
        for (size_t i = 0; i < JOBS_MAX; i++)
                if (m->jobs[i] && m->jobs[i]->owner == uid)
                        used += m->jobs[i]->room;
        return used < limit ? (limit - used) / 2 : 0;
}

int quota_check_snapshot(Manager *m, uid_t owner, sd_bus_error *error) {
        int r = quota_check(m, QUOTA_SNAPSHOTS, owner, error);

        return r < 0 ? r : quota_check(m, QUOTA_DISK, owner, error);
}
