/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/references.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "settings/settings.h"
#include "shared/names.h"

void references_done(References *r) {
        for (size_t i = 0; i < r->n; i++)
                free(r->words[i]);
        free(r->words);
        *r = (References) {};
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

bool references_have(const References *r, const char *word) {
        return r->n > 0 && bsearch(&word, r->words, r->n, sizeof *r->words, compare);
}

static int add_word(References *r, const char *word, size_t length) {
        if ((r->n & (r->n + 1)) == 0) {
                char **l = reallocarray(r->words, (r->n + 1) * 2, sizeof *l);

                if (!l)
                        return -ENOMEM;
                r->words = l;
        }
        r->words[r->n] = strndup(word, length);
        if (!r->words[r->n])
                return -ENOMEM;
        r->n++;
        return 0;
}

static int add_words(References *r, const char *text, const char *key) {
        const char *p = strstr(text, key);
        int rc = 0;

        if (!p)
                return 0;
        for (p += strlen(key); rc >= 0 && *p && *p != '\n'; p += strspn(p, " ")) {
                size_t n = strcspn(p, " \n");

                rc = n > 0 ? add_word(r, p, n) : 0;
                p += n;
        }
        return rc;
}

/* berth writes both keys itself, each at the beginning of a line. A file without layers is damaged, and what it named is not known to be nobody's. */
static int add_file(References *r, int dir_fd, const char *path) {
        _cleanup_free_ char *text = NULL;
        size_t size;
        int rc;

        rc = path_read(dir_fd, path, SETTINGS_FILE_SIZE_MAX, &text, &size);
        if (rc < 0)
                return rc;
        if (strlen(text) != size || !strstr(text, "\nLayers="))
                return -EBADMSG;
        rc = add_words(r, text, "\nImage=");
        return rc < 0 ? rc : add_words(r, text, "\nLayers=");
}

/* name may have gone to the trash, or got another name, since it was read from the directory. */
static int add_file_of(References *r, int dir_fd, const char *name) {
        char path[NAME_MAX + sizeof "/container.conf"];
        int rc;

        snprintf(path, sizeof path, "%s/container.conf", name);
        rc = add_file(r, dir_fd, path);
        return rc == -ENOENT && faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : rc;
}

static int walk(int dir_fd, const char *path, int (*found)(References *r, int dir_fd, const char *name, const void *userdata), References *r, const void *userdata) {
        struct dirent *de;
        int fd, rc = 0;
        DIR *d;

        fd = path_open_beneath(dir_fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0)
                return fd == -ENOENT ? 0 : fd;
        d = fdopendir(fd);
        if (!d) {
                rc = -errno;
                (void) fd_close(fd);
                return rc;
        }
        while (rc >= 0 && (errno = 0, de = readdir(d)))
                if (!streq(de->d_name, ".") && !streq(de->d_name, ".."))
                        rc = found(r, dirfd(d), de->d_name, userdata);
        if (rc >= 0 && errno != 0)
                rc = -errno;
        (void) closedir(d);
        return rc;
}

static int found_snapshot(References *r, int dir_fd, const char *name, _unused_ const void *userdata) {
        return snapshot_name_valid(name) ? add_file_of(r, dir_fd, name) : 0;
}

static int found_container(References *r, int dir_fd, const char *name, const void *userdata) {
        char path[NAME_MAX + sizeof "/" DIR_SNAPSHOTS];
        int rc;

        /* What is being made names nothing that is not held by who makes it. */
        if (!container_name_valid(name) || (userdata && streq(name, userdata)))
                return 0;
        rc = add_file_of(r, dir_fd, name);
        if (rc < 0)
                return rc;
        snprintf(path, sizeof path, "%s/" DIR_SNAPSHOTS, name);
        return walk(dir_fd, path, found_snapshot, r, NULL);
}

static void sort(References *r) {
        if (r->n > 0)
                qsort(r->words, r->n, sizeof *r->words, compare);
}

int references_read(int state_fd, const char *except, References *ret) {
        References r = {};
        int rc;

        rc = walk(state_fd, DIR_CONTAINERS, found_container, &r, except);
        if (rc < 0) {
                references_done(&r);
                return rc;
        }
        sort(&r);
        *ret = r;
        return 0;
}

int references_read_container(int container_fd, References *ret) {
        References r = {};
        size_t n = 0;
        int rc;

        rc = add_file(&r, container_fd, "container.conf");
        if (rc >= 0)
                rc = walk(container_fd, DIR_SNAPSHOTS, found_snapshot, &r, NULL);
        if (rc < 0) {
                references_done(&r);
                return rc;
        }
        sort(&r);
        for (size_t i = 0; i < r.n; i++)
                if (n > 0 && streq(r.words[n - 1], r.words[i]))
                        free(r.words[i]);
                else
                        r.words[n++] = r.words[i];
        r.n = n;
        *ret = r;
        return 0;
}

int references_lock(int state_fd, int operation, int *ret_fd) {
        _cleanup_close_ int fd = path_make_directory(state_fd, DIR_LAYERS, 0700);

        if (fd < 0)
                return fd;
        while (flock(fd, operation) < 0)
                if (errno != EINTR)
                        return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}
