/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/overlay.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "shared/foreign-range.h"
#include "shared/names.h"
#include "storage/rootfs.h"
#include "worker/file-attributes.h"
#include "worker/overlay-merge.h"
#include "worker/references.h"
#include "worker/store.h"
#include "worker/tree-copy.h"

static int fail(Job *j, int error) {
        return failure_set(&j->failure, FAILURE_JOB_FAILED, error, "Failed to make a layer: %m");
}

/* What a store has said, if it has. */
static int fail_store(Job *j, int error, const char *sentence) {
        return sentence ? failure_set(&j->failure, FAILURE_JOB_FAILED, error, "%s", sentence) : fail(j, error);
}

static int make_foreign_directory(int dir_fd, const char *name, mode_t mode, int *ret_fd) {
        _cleanup_close_ int fd = path_make_directory(dir_fd, name, 0700);

        if (fd < 0)
                return fd;
        if (fchown(fd, foreign_uid_base(), foreign_uid_base()) < 0 || fchmod(fd, mode) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int make_id(char ret[static LAYER_ID_LENGTH + 1]) {
        uint8_t b[LAYER_ID_LENGTH / 2];

        if (getrandom(b, sizeof b, 0) != sizeof b)
                return -errno;
        for (size_t i = 0; i < sizeof b; i++)
                snprintf(ret + 2 * i, 3, "%02x", b[i]);
        return 0;
}

static void layer_close(OverlayLayer *l) {
        l->root_fd = fd_close(l->root_fd);
        volume_done(&l->volume);
        l->fd = fd_close(l->fd);
        l->layers_fd = fd_close(l->layers_fd);
}

/* The directory that is to be layers/ID. */
static int make_frame(Job *j, int dir_fd, OverlayLayer *l) {
        int r;

        l->dir_fd = dir_fd;
        r = make_id(l->id);
        if (r >= 0)
                r = make_foreign_directory(dir_fd, "layer", 0755, &l->fd);
        return r < 0 ? fail(j, r) : 0;
}

/* Takes the store. */
static int make_volume(Job *j, Storage *store, OverlayLayer *l) {
        _cleanup_free_ char *error = NULL;
        int r;

        r = volume_make(l->fd, store, l->id, &l->volume, &error);
        if (r >= 0)
                r = volume_open_root(&l->volume, &l->root_fd, &error);
        return r < 0 ? fail_store(j, r, error) : 0;
}

static int make_work(Job *j, OverlayLayer *l) {
        _cleanup_close_ int work = -EBADF;
        int r;

        r = make_foreign_directory(l->root_fd, "work", 0700, &work);
        return r < 0 ? fail(j, r) : 0;
}

static int make(Job *j, int dir_fd, Storage *store, int like_fd, OverlayLayer *l) {
        _cleanup_close_ int upper = -EBADF;
        int r;

        r = make_frame(j, dir_fd, l);
        if (r < 0) {
                storage_free(store);
                return r;
        }
        r = make_volume(j, store, l);
        if (r >= 0)
                r = make_work(j, l);
        if (r < 0)
                return r;
        r = make_foreign_directory(l->root_fd, "upper", 0755, &upper);
        /* What the container sees as the owner, mode and time of its / are those of upper/. */
        if (r >= 0)
                r = file_attributes_copy(like_fd, upper);
        return r < 0 ? fail(j, r) : 0;
}

static int make_in(Job *j, int dir_fd, Storage *store, int like_fd, OverlayLayer *ret) {
        OverlayLayer l = OVERLAY_LAYER_NONE;
        int r;

        r = make(j, dir_fd, store, like_fd, &l);
        if (r < 0) {
                layer_close(&l);
                return r;
        }
        *ret = l;
        return 0;
}

int overlay_make(Job *j, int dir_fd, const char *store, int like_fd, OverlayLayer *ret) {
        _cleanup_(storage_freep) Storage *s = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = storage_load(store, &s, &error);
        /* Of the state directory the job finds out by itself. */
        if (r >= 0 && s->type != &storage_overlay)
                r = s->type->check(s, &error);
        return r < 0 ? fail_store(j, r, error) : make_in(j, dir_fd, TAKE_PTR(s), like_fd, ret);
}

/* layers/ID and what it is. */
static int open_layer(Job *j, const char *id, int *ret_fd, Volume *ret) {
        _cleanup_free_ char *error = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = volume_open_layer(j->state_fd, id, &fd);
        if (r >= 0)
                r = volume_open(fd, id, ret, &error);
        if (r < 0)
                return error ? fail_store(j, r, error) : failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to open the layer of the container: %m");
        *ret_fd = TAKE_FD(fd);
        return 0;
}

static int open_upper(Job *j, const char *id, int *ret_fd) {
        _cleanup_close_ int layer = -EBADF, root = -EBADF;
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_free_ char *error = NULL;
        int r;

        r = open_layer(j, id, &layer, &v);
        if (r < 0)
                return r;
        r = volume_open_root(&v, &root, &error);
        if (r < 0)
                return fail_store(j, r, error);
        r = path_open_beneath(root, "upper", O_RDONLY | O_DIRECTORY, 0);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to open the layer of the container: %m");
        *ret_fd = r;
        return 0;
}

static int make_copy(Job *j, int dir_fd, const char *from, OverlayLayer *l) {
        _cleanup_(volume_done) Volume source = VOLUME_NONE;
        _cleanup_close_ int source_fd = -EBADF;
        _cleanup_free_ char *error = NULL;
        int r;

        job_progress(j, -1, "copying");
        r = open_layer(j, from, &source_fd, &source);
        if (r < 0)
                return r;
        r = source.store->type == &storage_overlay ? 0 : source.store->type->check(source.store, &error);
        if (r < 0)
                return fail_store(j, r, error);
        r = make_frame(j, dir_fd, l);
        if (r < 0)
                return r;
        r = volume_make_copy(l->fd, &source, l->id, &l->volume, &error);
        /* A cancelled job's cp gets the signal as the job does, and ends. */
        if (job_cancelled())
                return job_fail_cancelled(j);
        if (r == -ENOSPC || r == -EDQUOT)
                return failure_set(&j->failure, FAILURE_NO_SPACE, r, "No space is left for the copy.");
        if (r >= 0 && source.store->type->sealed)
                return 0;
        if (r >= 0)
                r = volume_open_root(&l->volume, &l->root_fd, &error);
        if (r < 0)
                return fail_store(j, r, error);
        return make_work(j, l);
}

int overlay_make_copy(Job *j, int dir_fd, const char *from, OverlayLayer *ret) {
        OverlayLayer l = OVERLAY_LAYER_NONE;
        int r;

        r = make_copy(j, dir_fd, from, &l);
        if (r < 0) {
                layer_close(&l);
                return r;
        }
        *ret = l;
        return 0;
}

int overlay_make_over(Job *j, int dir_fd, char *const *layers, char ***ret_below, OverlayLayer *ret) {
        _cleanup_close_ int fd = -EBADF, upper = -EBADF;
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        bool chains;
        int r;

        if (!layers)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, EBADMSG, "The container has no layer.");
        r = open_layer(j, layers[0], &fd, &v);
        if (r < 0)
                return r;
        chains = v.store->type->chains;
        if (chains)
                r = open_upper(j, layers[0], &upper);
        if (r >= 0)
                r = chains ? make_in(j, dir_fd, TAKE_PTR(v.store), upper, ret) : overlay_make_copy(j, dir_fd, layers[0], ret);
        return r < 0 ? r : strv_copy(chains ? layers : layers + 1, ret_below);
}

int overlay_publish(Job *j, OverlayLayer *l) {
        int r;

        /* Of another file system than the state directory's nobody else thinks. */
        if (l->volume.store->type != &storage_overlay && l->root_fd >= 0 && syncfs(l->root_fd) < 0)
                return fail(j, -errno);
        r = references_lock(j->state_fd, LOCK_SH, &l->layers_fd);
        if (r >= 0 && renameat2(l->dir_fd, "layer", l->layers_fd, l->id, RENAME_NOREPLACE) < 0)
                r = -errno;
        if (r < 0)
                return fail(j, r);
        l->published = true;
        return 0;
}

int overlay_sync(Job *j, const OverlayLayer *l) {
        int r = path_sync_directory(l->layers_fd);

        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to write a layer to the disk: %m") : 0;
}

void overlay_keep(OverlayLayer *l) {
        l->published = false;
        layer_close(l);
}

void overlay_done(Job *j, OverlayLayer *l) {
        /* Back to where it was made, which is removed by whoever made that. */
        if (l->published && renameat2(l->layers_fd, l->id, l->dir_fd, "layer", RENAME_NOREPLACE) < 0)
                log_warning_errno(errno, "Failed to remove a layer of job %u, leaving it to the collect job: %m", j->id);
        overlay_keep(l);
}

int overlay_get_layers(Job *j, const SettingsFile *f, char ***ret) {
        _cleanup_free_ char *value = NULL, *error = NULL;
        _cleanup_strv_ char **layers = NULL;
        int r;

        r = settings_file_get(f, "Container.Layers", &value, &error);
        if (r < 0)
                return failure_set(&j->failure, FAILURE_BAD_SETTINGS, r, "The settings do not say what the container's layers are.");
        for (char *rest = value, *id; (id = strsep(&rest, " "));) {
                if (isempty(id))
                        continue;
                if (!layer_id_valid(id))
                        return failure_set(&j->failure, FAILURE_BAD_SETTINGS, EBADMSG, "The settings name a layer that can be none.");
                r = strv_extend(&layers, id);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(layers);
        return 0;
}

int overlay_set_layers(Job *j, SettingsFile *f, const char *top, char *const *below) {
        _cleanup_strv_ char **all = NULL;
        _cleanup_free_ char *joined = NULL;
        int r = 0;

        if (top)
                r = strv_extend(&all, top);
        STRV_FOREACH(id, below)
                if (r >= 0)
                        r = strv_extend(&all, *id);
        if (r >= 0)
                r = strv_join(all, " ", &joined);
        if (r >= 0)
                r = settings_file_set_internal(f, "Container.Layers", joined);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to make the container's settings: %m") : 0;
}

int overlay_open_top(Job *j, char *const *layers, int *ret_upper_fd) {
        return layers ? open_upper(j, layers[0], ret_upper_fd) : failure_set(&j->failure, FAILURE_JOB_FAILED, ENOENT, "The container has no layer.");
}

int overlay_store_name(Job *j, char *const *layers, char **ret) {
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = layers ? open_layer(j, layers[0], &fd, &v) : failure_set(&j->failure, FAILURE_JOB_FAILED, ENOENT, "The container has no layer.");
        if (r >= 0)
                *ret = TAKE_PTR(v.store->name);
        return r;
}

int overlay_has_chains(Job *j, char *const *layers) {
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = layers ? open_layer(j, layers[0], &fd, &v) : failure_set(&j->failure, FAILURE_JOB_FAILED, ENOENT, "The container has no layer.");
        return r < 0 ? r : v.store->type->chains;
}

int overlay_is_unchanged(Job *j, char *const *layers) {
        _cleanup_close_ int top = -EBADF, below = -EBADF;
        struct stat a, b;
        struct dirent *de;
        bool empty = true;
        DIR *d;
        int r;

        if (strv_length(layers) < 2)
                return 0;
        r = overlay_open_top(j, layers, &top);
        if (r >= 0)
                r = overlay_open_top(j, layers + 1, &below);
        if (r < 0)
                return r;
        if (fstat(top, &a) < 0 || fstat(below, &b) < 0)
                return fail(j, -errno);
        if (a.st_mode != b.st_mode || a.st_uid != b.st_uid || a.st_gid != b.st_gid)
                return 0;
        d = fdopendir(top);
        if (!d)
                return fail(j, -errno);
        (void) TAKE_FD(top);
        while (empty && (de = readdir(d)))
                empty = streq(de->d_name, ".") || streq(de->d_name, "..");
        (void) closedir(d);
        return empty;
}

void overlay_link(int container_fd, char *const *layers) {
        char target[sizeof "../../" DIR_LAYERS "/" + LAYER_ID_LENGTH];

        if (!layers)
                return;
        snprintf(target, sizeof target, "../../" DIR_LAYERS "/%s", layers[0]);
        (void) unlinkat(container_fd, ".layer", 0);
        if (symlinkat(target, container_fd, ".layer") < 0 || renameat(container_fd, ".layer", container_fd, "layer") < 0)
                log_debug_errno(errno, "Failed to link a container to its layer, ignoring: %m");
}

/* All trees of a container's root file system, topmost first. */
static int open_trees(Job *j, char *const *ids, int container_fd, const char *image, int *fds, size_t *n) {
        _cleanup_close_ int image_fd = -EBADF;
        int r;

        STRV_FOREACH(id, ids) {
                if (*n >= LAYERS_MAX + 1)
                        return -E2BIG;
                r = open_upper(j, *id, fds + *n);
                if (r < 0)
                        return r;
                (*n)++;
        }
        fds[*n] = path_open_beneath(container_fd, "mount", O_RDONLY | O_DIRECTORY, 0);
        if (fds[*n] < 0 && fds[*n] != -ENOENT)
                return fds[*n];
        if (fds[*n] >= 0)
                (*n)++;
        image_fd = rootfs_open_image(j->state_fd, image);
        if (image_fd < 0)
                return image_fd;
        fds[*n] = path_open_beneath(image_fd, "rootfs", O_RDONLY | O_DIRECTORY, 0);
        if (fds[*n] < 0)
                return fds[*n];
        (*n)++;
        return 0;
}

static int merge_layers(Job *j, int dir_fd, char *const *ids, size_t n, int container_fd, const char *image, OverlayLayer *l) {
        int fds[LAYERS_MAX + 3], r;
        Storage *store = NULL;
        size_t n_all = 0;

        r = storage_load_default(&storage_overlay, &store);
        if (r < 0)
                return fail(j, r);
        r = make_frame(j, dir_fd, l);
        if (r < 0)
                storage_free(store);
        else
                r = make_volume(j, store, l);
        if (r >= 0)
                r = make_work(j, l);
        if (r >= 0)
                r = open_trees(j, ids, container_fd, image, fds, &n_all);
        if (r >= 0)
                r = overlay_merge(fds, n, n_all, l->root_fd, "upper");
        while (n_all > 0)
                (void) fd_close(fds[--n_all]);
        return r < 0 ? failure_set(&j->failure, FAILURE_JOB_FAILED, r, "Failed to merge layers: %m") : 0;
}

int overlay_merge_layers(Job *j, int dir_fd, char *const *ids, size_t n, int container_fd, const char *image, OverlayLayer *ret) {
        OverlayLayer l = OVERLAY_LAYER_NONE;
        int r;

        r = merge_layers(j, dir_fd, ids, n, container_fd, image, &l);
        if (r < 0) {
                layer_close(&l);
                return r;
        }
        *ret = l;
        return 0;
}

/* The tree that is to be copied: of a chain all of it, merged, which only links files; it goes with the directory "merged". */
static int open_source(Job *j, int dir_fd, char *const *layers, int container_fd, const char *image, int *ret_root_fd) {
        _cleanup_close_ int merged_fd = -EBADF, fd = -EBADF;
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        OverlayLayer merged = OVERLAY_LAYER_NONE;
        _cleanup_free_ char *error = NULL;
        int r;

        if (strv_length(layers) == 1) {
                r = open_layer(j, layers[0], &fd, &v);
                if (r < 0)
                        return r;
                r = volume_open_root(&v, ret_root_fd, &error);
                return r < 0 ? fail_store(j, r, error) : 0;
        }
        r = merged_fd = path_make_directory(dir_fd, "merged", 0700);
        if (r < 0)
                return fail(j, r);
        r = overlay_merge_layers(j, merged_fd, layers, strv_length(layers), container_fd, image, &merged);
        if (r >= 0)
                *ret_root_fd = TAKE_FD(merged.root_fd);
        layer_close(&merged);
        return r;
}

static int load_target(Job *j, const char *name, Storage **ret) {
        _cleanup_(storage_freep) Storage *s = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        r = storage_load(name, &s, &error);
        if (r >= 0 && s->type != &storage_overlay)
                r = s->type->check(s, &error);
        if (r < 0)
                return fail_store(j, r, error);
        *ret = TAKE_PTR(s);
        return 0;
}

/* By the stores themselves, if they can. > 0: it was done. Takes the store when it was, or failed. */
static int make_streamed(Job *j, int dir_fd, Storage **store, char *const *layers, OverlayLayer *l) {
        _cleanup_(volume_done) Volume from = VOLUME_NONE;
        _cleanup_free_ char *error = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (strv_length(layers) != 1)
                return 0;
        r = open_layer(j, layers[0], &fd, &from);
        if (r < 0)
                return r;
        if (from.store->type != (*store)->type || !from.store->type->send)
                return 0;
        r = make_frame(j, dir_fd, l);
        if (r < 0)
                return r;
        r = volume_make_streamed(l->fd, &from, TAKE_PTR(*store), l->id, &l->volume, &error);
        if (r >= 0)
                r = volume_open_root(&l->volume, &l->root_fd, &error);
        if (r < 0)
                return fail_store(j, r, error);
        r = make_work(j, l);
        return r < 0 ? r : 1;
}

static int make_moved(Job *j, int dir_fd, const char *store, char *const *layers, int container_fd, const char *image, OverlayLayer *l) {
        _cleanup_(storage_freep) Storage *s = NULL;
        _cleanup_close_ int source = -EBADF;
        int r;

        r = load_target(j, store, &s);
        if (r >= 0)
                r = make_streamed(j, dir_fd, &s, layers, l);
        if (r != 0)
                return MIN_OF(r, 0);
        r = open_source(j, dir_fd, layers, container_fd, image, &source);
        if (r >= 0)
                r = make_frame(j, dir_fd, l);
        if (r >= 0)
                r = make_volume(j, TAKE_PTR(s), l);
        if (r >= 0)
                r = tree_copy(j, source, l->root_fd, "upper");
        return r < 0 ? r : make_work(j, l);
}

int overlay_make_moved(Job *j, int dir_fd, const char *store, char *const *layers, int container_fd, const char *image, OverlayLayer *ret) {
        OverlayLayer l = OVERLAY_LAYER_NONE;
        int r;

        r = make_moved(j, dir_fd, store, layers, container_fd, image, &l);
        (void) path_remove_tree(dir_fd, "merged");
        if (r < 0) {
                layer_close(&l);
                return r;
        }
        *ret = l;
        return 0;
}

int overlay_bound(Job *j, int dir_fd, int container_fd, const char *image, char ***layers, OverlayLayer *ret) {
        _cleanup_strv_ char **one = NULL;
        int r;

        if (strv_length(*layers) < LAYERS_MAX)
                return 0;
        r = overlay_merge_layers(j, dir_fd, *layers, strv_length(*layers), container_fd, image, ret);
        if (r >= 0)
                r = strv_extend(&one, ret->id);
        if (r < 0)
                return r;
        strv_free(*layers);
        *layers = TAKE_PTR(one);
        return 1;
}

static int drop(Job *j, int layers_fd, char *const *layers, const char *image, int trash_fd) {
        _cleanup_(references_done) References used = {};
        char name[sizeof KEPT_PREFIX + FINGERPRINT_LENGTH];
        _cleanup_close_ int images = -EBADF;
        bool dropped = false;
        int r;

        r = references_read(j->state_fd, NULL, &used);
        if (r < 0)
                return r;
        STRV_FOREACH(id, layers) {
                if (references_have(&used, *id))
                        continue;
                if (renameat2(layers_fd, *id, trash_fd, *id, RENAME_NOREPLACE) < 0 && errno != ENOENT)
                        r = -errno;
                dropped = true;
        }
        if (dropped && r >= 0)
                r = path_sync_directory(layers_fd);
        if (!image || references_have(&used, image))
                return r;
        images = path_open_beneath(j->state_fd, DIR_IMAGES, O_RDONLY | O_DIRECTORY, 0);
        snprintf(name, sizeof name, KEPT_PREFIX "%s", image);
        if (images >= 0 && renameat2(images, name, trash_fd, name, RENAME_NOREPLACE) < 0 && errno != ENOENT)
                r = -errno;
        return r;
}

void overlay_drop(Job *j, char *const *layers, const char *image, int trash_fd) {
        _cleanup_close_ int layers_fd = -EBADF;
        int r;

        r = references_lock(j->state_fd, LOCK_EX, &layers_fd);
        if (r >= 0)
                r = drop(j, layers_fd, layers, image, trash_fd);
        if (r < 0)
                log_warning_errno(r, "Failed to remove layers that nobody uses, leaving them to the collect job: %m");
}

bool overlay_keeps_image(Job *j, const char *image) {
        char path[sizeof DIR_IMAGES "/" KEPT_PREFIX + FINGERPRINT_LENGTH];

        snprintf(path, sizeof path, DIR_IMAGES "/" KEPT_PREFIX "%s", image);
        return fingerprint_valid(image) && faccessat(j->state_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* What is its own alone nobody else can name, and so a container without copies and snapshots goes without a look at all others. */
static int drop_container(Job *j, int container_fd) {
        _cleanup_(references_done) References own = {};
        _cleanup_close_ int layers_fd = -EBADF;
        _cleanup_strv_ char **layers = NULL;
        const char *image = NULL;
        int r;

        r = references_read_container(container_fd, &own);
        for (size_t i = 0; r >= 0 && i < own.n; i++)
                if (layer_id_valid(own.words[i]))
                        r = strv_extend(&layers, own.words[i]);
                else if (overlay_keeps_image(j, own.words[i]))
                        image = own.words[i];
        if (r < 0)
                return r;
        if (strv_length(layers) > 1 || image)
                overlay_drop(j, layers, image, container_fd);
        else if (layers) {
                r = references_lock(j->state_fd, LOCK_SH, &layers_fd);
                if (r >= 0 && renameat2(layers_fd, layers[0], container_fd, layers[0], RENAME_NOREPLACE) < 0)
                        r = -errno;
        }
        return r;
}

void overlay_drop_container(Job *j, int container_fd) {
        int r = drop_container(j, container_fd);

        if (r >= 0)
                return;
        /* Its settings may be what is damaged; it is in the trash by now, and what nobody else names was its own. */
        log_warning_errno(r, "Failed to see which layers a container had, looking for those that nobody uses: %m");
        overlay_collect(j, container_fd);
}

static int list(int state_fd, const char *directory, const char *prefix, char ***ret) {
        _cleanup_strv_ char **names = NULL;
        struct dirent *de;
        int fd, r = 0;
        DIR *d;

        fd = path_open_beneath(state_fd, directory, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        d = fdopendir(fd);
        if (!d) {
                r = -errno;
                (void) fd_close(fd);
                return r;
        }
        while (r >= 0 && (de = readdir(d)))
                if (startswith(de->d_name, prefix) && !streq(de->d_name, ".") && !streq(de->d_name, ".."))
                        r = strv_extend(&names, de->d_name);
        (void) closedir(d);
        if (r >= 0)
                *ret = TAKE_PTR(names);
        return r;
}

void overlay_collect(Job *j, int into_fd) {
        _cleanup_close_ int trash_fd = -EBADF, layers_fd = -EBADF;
        _cleanup_strv_ char **layers = NULL, **images = NULL;
        int r;

        r = references_lock(j->state_fd, LOCK_EX, &layers_fd);
        if (r >= 0)
                r = list(j->state_fd, DIR_LAYERS, "", &layers);
        if (r >= 0)
                r = list(j->state_fd, DIR_IMAGES, KEPT_PREFIX, &images);
        if (r >= 0 && (layers || images)) {
                if (into_fd < 0)
                        into_fd = trash_fd = path_make_directory(j->state_fd, DIR_TRASH, 0700);
                r = into_fd < 0 ? into_fd : drop(j, layers_fd, layers, NULL, into_fd);
        }
        STRV_FOREACH(i, images)
                if (r >= 0)
                        r = drop(j, layers_fd, NULL, *i + strlen(KEPT_PREFIX), into_fd);
        if (r < 0)
                log_warning_errno(r, "Failed to look for layers that nobody uses: %m");
}

void overlay_note_size(Job *j, const char *id) {
        _cleanup_(volume_done) Volume v = VOLUME_NONE;
        _cleanup_free_ char *error = NULL;
        _cleanup_close_ int layer = -EBADF;
        char text[DECIMAL_MAX + 1];
        uint64_t bytes;
        int r;

        r = volume_open_layer(j->state_fd, id, &layer);
        if (r < 0)
                return;
        r = volume_open(layer, id, &v, &error);
        if (r >= 0)
                r = volume_usage(&v, &bytes);
        if (r < 0) {
                log_debug_errno(r, "Failed to measure a layer, ignoring: %m");
                return;
        }
        snprintf(text, sizeof text, "%llu\n", (unsigned long long) bytes);
        r = path_write_atomic(layer, "size", text, strlen(text), 0600);
        if (r < 0)
                log_debug_errno(r, "Failed to note the size of a layer, ignoring: %m");
}
