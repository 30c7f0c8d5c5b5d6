/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/overlay-reduce.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/names.h"
#include "worker/container-conf.h"
#include "worker/overlay.h"
#include "worker/references.h"
#include "worker/store.h"

/* The container or one of its snapshots. */
typedef struct Chain {
        int fd;             /* of the directory with its container.conf */
        SettingsFile *conf;
        char **layers;
        bool is_container;
} Chain;

typedef struct Reduction {
        Job *job;
        HeldContainer *container; /* borrowed */
        int scratch_fd;
        References others;        /* what other containers name */
        Chain *chains;
        size_t n;
} Reduction;

static void reduction_done(Reduction *r) {
        for (size_t i = 0; i < r->n; i++) {
                (void) fd_close(r->chains[i].fd);
                settings_file_free(r->chains[i].conf);
                strv_free(r->chains[i].layers);
        }
        free(r->chains);
        references_done(&r->others);
}

static int add_chain(Reduction *r, int fd, const char *name, bool is_container) {
        Chain c = { .fd = fd, .is_container = is_container }, *l;
        int rc;

        l = reallocarray(r->chains, r->n + 1, sizeof *l);
        if (!l) {
                (void) fd_close(fd);
                return -ENOMEM;
        }
        r->chains = l;
        rc = container_conf_read(r->job, name, fd, &c.conf);
        if (rc >= 0)
                rc = overlay_get_layers(r->job, c.conf, &c.layers);
        r->chains[r->n++] = c;
        return rc;
}

static int add_snapshots(Reduction *r, int snapshots_fd) {
        int copy = openat(snapshots_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
        DIR *d = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *de;

        if (!d)
                return -errno;
        while (rc >= 0 && (de = readdir(d)))
                if (snapshot_name_valid(de->d_name)) {
                        rc = path_open_beneath(snapshots_fd, de->d_name, O_RDONLY | O_DIRECTORY, 0);
                        if (rc >= 0)
                                rc = add_chain(r, rc, de->d_name, false);
                }
        (void) closedir(d);
        return rc;
}

static int find(char *const *layers, const char *id) {
        for (int i = 0; layers && layers[i]; i++)
                if (streq(layers[i], id))
                        return i;
        return -1;
}

/* What lies directly on it wherever it is, and is nowhere without it; NULL: there is no such one. */
static const char *find_above(const Reduction *r, const char *id) {
        const char *above = NULL;

        if (references_have(&r->others, id))
                return NULL;
        for (size_t i = 0; i < r->n; i++) {
                int at = find(r->chains[i].layers, id);

                if (at < 0)
                        continue;
                if (at == 0 || (above && !streq(above, r->chains[i].layers[at - 1])))
                        return NULL;
                above = r->chains[i].layers[at - 1];
        }
        if (!above || references_have(&r->others, above))
                return NULL;
        for (size_t i = 0; i < r->n; i++)
                if (find(r->chains[i].layers, above) >= 0 && find(r->chains[i].layers, id) < 0)
                        return NULL;
        return above;
}

static const char *find_pair(const Reduction *r, const char **ret_above) {
        for (size_t i = 0; i < r->n; i++)
                STRV_FOREACH(id, r->chains[i].layers) {
                        *ret_above = find_above(r, *id);
                        if (*ret_above)
                                return *id;
                }
        return NULL;
}

static int replace(Reduction *r, Chain *c, const char *above, const char *below, const char *merged) {
        _cleanup_strv_ char **layers = NULL;
        int rc = 0;

        STRV_FOREACH(id, c->layers)
                if (rc >= 0 && !streq(*id, above))
                        rc = strv_extend(&layers, streq(*id, below) ? merged : *id);
        if (rc >= 0)
                rc = overlay_set_layers(r->job, c->conf, NULL, layers);
        if (rc >= 0)
                rc = container_conf_write(r->job, r->container->name, c->fd, c->conf);
        if (rc < 0)
                return rc;
        if (c->is_container)
                overlay_link(c->fd, layers);
        strv_free(c->layers);
        c->layers = TAKE_PTR(layers);
        return 0;
}

/* Each file of settings names the same files before and after, so they may change one after the other. */
static int merge(Reduction *r, const char *above, const char *below, char ***dropped) {
        OverlayLayer layer = OVERLAY_LAYER_NONE;
        char *const *chain = NULL;
        bool named = false;
        int rc;

        for (size_t i = 0; i < r->n; i++)
                if (find(r->chains[i].layers, above) >= 0)
                        chain = r->chains[i].layers + find(r->chains[i].layers, above);
        rc = overlay_merge_layers(r->job, r->scratch_fd, chain, 2, r->container->fd, r->container->image, &layer);
        /* The new directories are durable before they are named. */
        if (rc >= 0 && syncfs(r->scratch_fd) < 0)
                rc = -errno;
        if (rc >= 0)
                rc = overlay_publish(r->job, &layer);
        if (rc >= 0)
                rc = overlay_sync(r->job, &layer);
        for (size_t i = 0; rc >= 0 && i < r->n; i++)
                if (find(r->chains[i].layers, below) >= 0) {
                        rc = replace(r, r->chains + i, above, below, layer.id);
                        named = named || rc >= 0;
                }
        if (named) {
                overlay_note_size(r->job, layer.id);
                overlay_keep(&layer);
        }
        overlay_done(r->job, &layer);
        if (named && rc >= 0)
                rc = strv_extend(dropped, above);
        if (named && rc >= 0)
                rc = strv_extend(dropped, below);
        return rc;
}

static int reduce(Reduction *r, char ***dropped) {
        _cleanup_close_ int snapshots = -EBADF;
        int rc, fd;

        rc = references_read(r->job->state_fd, r->container->name, &r->others);
        if (rc >= 0)
                rc = snapshots_open(r->job, r->container, false, &snapshots);
        if (rc >= 0) {
                fd = openat(r->container->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                rc = fd < 0 ? -errno : add_chain(r, fd, r->container->name, true);
        }
        if (rc >= 0 && snapshots >= 0)
                rc = add_snapshots(r, snapshots);
        while (rc >= 0 && !job_cancelled()) {
                _cleanup_free_ char *above = NULL, *below = NULL;
                const char *a, *b = find_pair(r, &a);

                if (!b)
                        break;
                above = strdup(a);
                below = strdup(b);
                rc = above && below ? merge(r, above, below, dropped) : -ENOMEM;
        }
        return rc;
}

void overlay_reduce(Job *j, HeldContainer *c, int scratch_fd, char ***dropped) {
        Reduction reduction = { .job = j, .container = c, .scratch_fd = scratch_fd };
        _cleanup_close_ int lock = -EBADF;
        int r;

        /* The layers of one that runs cannot be taken from under it. */
        r = store_lock_container(j, c->name, c->fd, &lock);
        if (r >= 0) {
                r = reduce(&reduction, dropped);
                if (r < 0)
                        log_warning_errno(r, "The layers of the container '%s' were not merged: %s", c->name, j->failure.text);
        }
        j->failure = (Failure) {};
        reduction_done(&reduction);
}
