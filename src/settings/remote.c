/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/remote.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "settings/ini.h"

#define FILE_SIZE_MAX (16U * 1024U)
#define URL_MAX 500U

static const char *const directories[] = { BERTH_CONFIG_DIR "/" REMOTES_DIR, BERTH_VENDOR_DIR "/" REMOTES_DIR };

void remote_done(Remote *r) {
        free(r->name);
        free(r->url);
        free(r->keyring);
        free(r->file);
        *r = (Remote) {};
}

bool remote_name_valid(const char *name) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
        size_t n = strlen(name);

        return n > 0 && n <= REMOTE_NAME_MAX && strspn(name, allowed) == n && !strchr("._-", name[0]) && !streq(name, REMOTE_LOCAL);
}

const char *remote_check_url(const char *url) {
        const char *rest = startswith(url, "https://") ?: startswith(url, "http://");

        if (!rest)
                return "begins neither with https:// nor with http://";
        if (!*rest || *rest == '/')
                return "names no host";
        if (strlen(url) > URL_MAX)
                return "is too long";
        for (const char *c = url; *c; c++)
                if (*c <= ' ' || *c >= 0x7f || strchr("\"'<>\\^`{|}?#", *c))
                        return "has characters that such a URL cannot have";
        return NULL;
}

static int fail(const char *file, unsigned line, const char *reason, char **ret_error) {
        return asprintf(ret_error, "%s:%u: %s", file, line, reason) < 0 ? -ENOMEM : -EBADMSG;
}

static int take_line(Remote *r, const IniLine *l, char **ret_error) {
        const char *reason = NULL;
        int k = 0;

        if (!streq(l->section, REMOTE_SECTION))
                return fail(r->file, l->number, "There is no such section, only [" REMOTE_SECTION "].", ret_error);
        if (streq(l->key, "URL")) {
                reason = remote_check_url(l->value);
                if (!reason)
                        k = free_and_strdup(&r->url, l->value);
        } else if (streq(l->key, "Keyring")) {
                if (*l->value && *l->value != '/')
                        reason = "is no absolute path";
                else
                        k = free_and_strdup(&r->keyring, *l->value ? l->value : NULL);
        } else
                return fail(r->file, l->number, "There is no such key, only URL and Keyring.", ret_error);
        if (reason) {
                _cleanup_free_ char *sentence = NULL;

                if (asprintf(&sentence, "%s: the value %s.", l->key, reason) < 0)
                        return -ENOMEM;
                return fail(r->file, l->number, sentence, ret_error);
        }
        return k;
}

static int parse(Remote *r, const char *text, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        Ini ini = {};
        int k;

        k = ini_parse(&ini, text, &error);
        if (k == -EBADMSG)
                k = asprintf(ret_error, "%s:%s", r->file, error) < 0 ? -ENOMEM : -EBADMSG;
        for (size_t i = 0; k >= 0 && i < ini.n_lines; i++)
                if (ini.lines[i].kind == INI_ASSIGNMENT)
                        k = take_line(r, ini.lines + i, ret_error);
        ini_done(&ini);
        if (k < 0)
                return k;
        if (!r->url)
                return fail(r->file, 1, "There is no URL=.", ret_error);
        while (endswith(r->url, "/"))
                r->url[strlen(r->url) - 1] = 0;
        return 0;
}

int remote_load(const char *root, const char *name, Remote *ret, char **ret_error) {
        for (size_t i = 0; remote_name_valid(name) && i < ELEMENTSOF(directories); i++) {
                _cleanup_(remote_done) Remote r = {};
                _cleanup_close_ int fd = -EBADF;
                _cleanup_free_ char *text = NULL;
                struct stat st;
                int k;

                r.name = strdup(name);
                if (!r.name || asprintf(&r.file, "%s%s/%s.conf", root, directories[i], name) < 0) {
                        r.file = NULL;
                        return -ENOMEM;
                }
                fd = open(r.file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
                if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
                        continue;
                if (fd < 0 || fstat(fd, &st) < 0)
                        return fail(r.file, 0, strerror(errno), ret_error);
                if (!S_ISREG(st.st_mode))
                        return -ENOENT;
                k = fd_read_string(fd, FILE_SIZE_MAX, &text, NULL);
                if (k < 0)
                        return fail(r.file, 0, strerror(-k), ret_error);
                k = parse(&r, text, ret_error);
                if (k < 0)
                        return k;
                *ret = r;
                r = (Remote) {};
                return 0;
        }
        return -ENOENT;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int remote_list(const char *root, char ***ret) {
        _cleanup_strv_ char **names = NULL;
        int r = 0;

        for (size_t i = 0; i < ELEMENTSOF(directories); i++) {
                _cleanup_free_ char *path = NULL;
                struct dirent *de;
                DIR *d;

                if (asprintf(&path, "%s%s", root, directories[i]) < 0)
                        return -ENOMEM;
                d = opendir(path);
                while (d && r >= 0 && (de = readdir(d)) && strv_length(names) < REMOTES_MAX) {
                        const char *end = endswith(de->d_name, ".conf");
                        _cleanup_free_ char *name = end ? strndup(de->d_name, (size_t) (end - de->d_name)) : NULL, *file = NULL;
                        struct stat st;

                        /* What is masked in /etc is not there. */
                        if (!name || !remote_name_valid(name) || strv_find(names, name))
                                continue;
                        if (asprintf(&file, "%s%s/%s.conf", root, directories[0], name) < 0) {
                                file = NULL;
                                r = -ENOMEM;
                        } else if (i == 0 ? fstatat(dirfd(d), de->d_name, &st, 0) >= 0 && S_ISREG(st.st_mode) : lstat(file, &st) < 0)
                                r = strv_extend(&names, name);
                }
                if (d)
                        (void) closedir(d);
                if (r < 0)
                        return r;
        }
        if (names)
                qsort(names, strv_length(names), sizeof *names, compare);
        *ret = TAKE_PTR(names);
        return 0;
}

const char *remote_split(const char *source, char name[static REMOTE_NAME_MAX + 1]) {
        size_t n = strcspn(source, ":");

        if (source[n] != ':' || n == 0 || n > REMOTE_NAME_MAX)
                return NULL;
        memcpy(name, source, n);
        name[n] = 0;
        return remote_name_valid(name) ? source + n + 1 : NULL;
}
