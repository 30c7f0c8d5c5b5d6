/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/snapshot.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "containerd/store.h"
#include "settings/settings.h"
#include "shared/names.h"

void snapshots_done(Snapshots *s) {
        for (size_t i = 0; i < s->n; i++)
                free(s->items[i].name);
        free(s->items);
        *s = (Snapshots) {};
}

static int open_snapshots(const char *container) {
        _cleanup_close_ int containers = store_open_containers();
        char path[CONTAINER_NAME_MAX + sizeof "/" DIR_SNAPSHOTS];

        if (containers < 0)
                return containers;
        snprintf(path, sizeof path, "%s/" DIR_SNAPSHOTS, container);
        return path_open_beneath(containers, path, O_RDONLY | O_DIRECTORY, 0);
}

int snapshot_read_settings(const char *container, const char *snapshot, char **ret) {
        char path[SNAPSHOT_NAME_MAX + sizeof "/container.conf"];
        _cleanup_close_ int dir = -EBADF;

        if (!snapshot_name_valid(snapshot))
                return -ENOENT;
        dir = open_snapshots(container);
        if (dir < 0)
                return dir;
        snprintf(path, sizeof path, "%s/container.conf", snapshot);
        return path_read(dir, path, SETTINGS_FILE_SIZE_MAX, ret, NULL);
}

/* The topmost layer, in which the job that took the snapshot notes how large it is. */
static uint64_t read_size(int dir_fd, const char *name) {
        char path[256 + sizeof "/container.conf"], size_path[sizeof DIR_LAYERS "//size" + LAYER_ID_LENGTH];
        _cleanup_free_ char *text = NULL, *size = NULL;
        _cleanup_close_ int state = -EBADF;
        const char *layers;
        uint64_t bytes;

        snprintf(path, sizeof path, "%s/container.conf", name);
        if (path_read(dir_fd, path, SETTINGS_FILE_SIZE_MAX, &text, NULL) < 0)
                return SNAPSHOT_SIZE_UNKNOWN;
        layers = strstr(text, "\nLayers=");
        if (!layers)
                return SNAPSHOT_SIZE_UNKNOWN;
        layers += strlen("\nLayers=");
        state = open(BERTH_STATE_DIR, O_PATH | O_DIRECTORY | O_CLOEXEC);
        snprintf(size_path, sizeof size_path, DIR_LAYERS "/%.*s/size", (int) LAYER_ID_LENGTH, layers);
        if (state < 0 || strcspn(layers, " \n") != LAYER_ID_LENGTH || path_read(state, size_path, 64, &size, NULL) < 0)
                return SNAPSHOT_SIZE_UNKNOWN;
        size[strcspn(size, "\n")] = 0;
        return parse_u64(size, UINT64_MAX - 1, &bytes) < 0 ? SNAPSHOT_SIZE_UNKNOWN : bytes;
}

static int add(Snapshots *s, int dir_fd, const char *name) {
        Snapshot new = {}, *l;

        if (snapshot_conf_read(dir_fd, name, &new.conf) < 0)
                return 0;
        l = reallocarray(s->items, s->n + 1, sizeof *l);
        if (!l)
                return -ENOMEM;
        s->items = l;
        new.size_bytes = read_size(dir_fd, name);
        new.name = strdup(name);
        if (!new.name)
                return -ENOMEM;
        s->items[s->n++] = new;
        return 0;
}

static int compare(const void *a, const void *b) {
        const Snapshot *x = a, *y = b;

        if (x->conf.created_usec != y->conf.created_usec)
                return x->conf.created_usec < y->conf.created_usec ? -1 : 1;
        return strcmp(x->name, y->name);
}

int snapshots_read(const char *container, Snapshots *ret) {
        Snapshots s = {};
        struct dirent *de;
        int fd, r = 0;
        DIR *d;

        fd = open_snapshots(container);
        if (fd == -ENOENT) {
                *ret = s;
                return 0;
        }
        if (fd < 0)
                return fd;
        d = fdopendir(fd);
        if (!d) {
                (void) fd_close(fd);
                return -errno;
        }
        while (r >= 0 && s.n < SNAPSHOTS_PER_CONTAINER_MAX && (de = readdir(d)))
                if (snapshot_name_valid(de->d_name))
                        r = add(&s, dirfd(d), de->d_name);
        (void) closedir(d);
        if (r < 0) {
                snapshots_done(&s);
                return r;
        }
        if (s.n > 0)
                qsort(s.items, s.n, sizeof *s.items, compare);
        *ret = s;
        return 0;
}

const Snapshot *snapshots_find(const Snapshots *s, const char *name) {
        for (size_t i = 0; i < s->n; i++)
                if (streq(s->items[i].name, name))
                        return s->items + i;
        return NULL;
}
