/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* import --lxc, --openvz, --nspawn: containers of other managers, as they lie on disks, become containers. Their files go the way of every image; the image is
 * removed when the container is made, and with it stays only as long as that needs it. */

#include <ctype.h>
#include <fcntl.h>
#include <libgen.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "machinectl-plugin/assignments.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/foreign.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/process.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/source.h"
#include "machinectl-plugin/tree-archive.h"
#include "machinectl-plugin/verbs.h"
#include "settings/table.h"
#include "shared/names.h"

typedef struct ForeignImport {
        const char *what;    /* as it was named; for messages */
        char *name;          /* of the new container */
        Foreign foreign;
        int tree_fd;         /* a directory, or */
        Source archive;
} ForeignImport;

static void foreign_import_done(ForeignImport *i) {
        free(i->name);
        foreign_done(&i->foreign);
        i->tree_fd = fd_close(i->tree_fd);
        source_done(&i->archive);
}

static bool has_interface(const char *name) {
        return if_nametoindex(name) > 0;
}

/* A name alone is one of those where the other manager keeps its own. */
static int open_directory(const char *word, const char *home, int *ret) {
        _cleanup_free_ char *path = NULL;
        int fd;

        if (asprintf(&path, "%s%s%s", strchr(word, '/') ? "" : home, strchr(word, '/') ? "" : "/", word) < 0)
                return path = NULL, report_oom();
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return report_failure("Cannot open '%s': %m.", path);
        *ret = fd;
        return 0;
}

/* -ENOENT is left to the caller. A pipe would be waited for, a link lead to somebody else's file: neither is a file of settings. */
static int read_file(ForeignImport *i, int dir_fd, const char *name, int (*parse)(Foreign *f, const void *data, size_t size, char **ret_error)) {
        _cleanup_free_ char *text = NULL, *error = NULL;
        size_t size;
        int r;

        r = path_read(dir_fd, name, FOREIGN_FILE_SIZE_MAX, &text, &size);
        if (r == -ENOENT)
                return r;
        if (r == -E2BIG)
                return report_failure("'%s' of '%s' cannot be used: it has more than %u KiB.", name, i->what, FOREIGN_FILE_SIZE_MAX / 1024);
        if (r == -EBADMSG)
                return report_failure("'%s' of '%s' cannot be used: it is no regular file.", name, i->what);
        if (r < 0)
                return report_failure("'%s' of '%s' cannot be read: %s.", name, i->what, strerror(-r));
        i->foreign.has_interface = has_interface;
        r = parse(&i->foreign, text, size, &error);
        if (r == -EBADMSG)
                return report_failure("'%s' of '%s' cannot be used: %s.", name, i->what, error);
        return r < 0 ? report_oom() : 0;
}

/* The same of a file that was named itself. */
static int read_named_file(ForeignImport *i, const char *path, int (*parse)(Foreign *f, const void *data, size_t size, char **ret_error)) {
        _cleanup_free_ char *copy = strdup(path), *again = strdup(path);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!copy || !again)
                return report_oom();
        fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        r = fd < 0 ? -errno : read_file(i, fd, basename(again), parse);
        return r == -ENOENT || fd < 0 ? report_failure("Cannot open '%s': %s.", path, strerror(-r)) : r;
}

/* The path that LXC's file says has to be in the container's own directory: whoever could write the file is not to choose among all of the host's directories. */
static int open_lxc_rootfs(ForeignImport *i, int dir_fd) {
        static const char *const kinds[] = { "dir:", "btrfs:", "zfs:" };
        const char *path = i->foreign.rootfs ?: "rootfs", *last;
        _cleanup_free_ char *parent = NULL;
        struct stat a, b;
        int r;

        for (size_t k = 0; k < ELEMENTSOF(kinds); k++)
                path = startswith(path, kinds[k]) ?: path;
        last = strrchr(path, '/');
        if (last) {
                parent = strndup(path, (size_t) (last - path));
                if (!parent)
                        return report_oom();
                if (fstat(dir_fd, &a) < 0 || stat(*parent ? parent : "/", &b) < 0 || a.st_dev != b.st_dev || a.st_ino != b.st_ino)
                        return report_failure("The files of '%s' are at '%s', outside of its directory. If that is right, name the place: berthctl import --lxc '%s' ROOTFS.",
                                              i->what, path, i->what);
                path = last + 1;
        }
        r = path_open_beneath(dir_fd, path, O_RDONLY | O_DIRECTORY, 0);
        if (r < 0)
                return report_failure("The files of '%s' cannot be read: '%s': %s.", i->what, path, strerror(-r));
        i->tree_fd = r;
        return 0;
}

static int prepare_lxc(ForeignImport *i, char *const *words) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = open_directory(words[0], "/var/lib/lxc", &fd);
        if (r >= 0)
                r = read_file(i, fd, "config", foreign_parse_lxc);
        if (r == -ENOENT)
                return report_failure("'%s' is no container of LXC: there is no 'config' in it.", i->what);
        if (r < 0)
                return r;
        return words[1] ? open_directory(words[1], ".", &i->tree_fd) : open_lxc_rootfs(i, fd);
}

static int prepare_openvz(ForeignImport *i, char *const *words) {
        int r;

        if (!words[1])
                return report_usage("Give the private area, a directory or an archive of it, and its file of settings: berthctl import --openvz ct101.tar ct101.conf");
        r = source_open(words[0], "archive", &i->archive);
        if (r >= 0 && S_ISDIR(i->archive.st.st_mode))
                i->tree_fd = TAKE_FD(i->archive.fd);
        return r < 0 ? r : read_named_file(i, words[1], foreign_parse_openvz);
}

/* Where systemd-nspawn looks, in its order. */
static int prepare_nspawn(ForeignImport *i, char *const *words) {
        static const char *const places[] = { "/etc/systemd/nspawn", "/run/systemd/nspawn", "/var/lib/machines" };
        _cleanup_free_ char *file = NULL, *copy = NULL, *image = NULL;
        int r;

        if (asprintf(&image, "/var/lib/machines/%s.raw", words[0]) < 0)
                return image = NULL, report_oom();
        if (!strchr(words[0], '/') && access(image, F_OK) >= 0)
                return report_failure("'%s' is the image of a disk. Mount its root file system (systemd-dissect --mount), and name the place.", image);
        r = open_directory(words[0], "/var/lib/machines", &i->tree_fd);
        if (r < 0)
                return r;
        if (words[1])
                return read_named_file(i, words[1], foreign_parse_nspawn);
        copy = strdup(words[0]);
        if (!copy || asprintf(&file, "%s.nspawn", basename(copy)) < 0)
                return file = NULL, report_oom();
        for (size_t k = 0; k < ELEMENTSOF(places); k++) {
                _cleanup_close_ int fd = open(places[k], O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                r = fd < 0 ? -ENOENT : read_file(i, fd, file, foreign_parse_nspawn);
                if (r != -ENOENT)
                        return r;
        }
        return foreign_finish(&i->foreign) < 0 ? report_oom() : 0;
}

/* As close to what it was called as our names allow. */
static int derive_name(const char *text, const char *prefix, char **ret) {
        char name[CONTAINER_NAME_MAX + 1];
        size_t n = 0;

        for (const char *p = prefix; *p; p++)
                name[n++] = *p;
        for (const char *p = text; *p && *p != '.' && n < CONTAINER_NAME_MAX; p++)
                if (isalnum((unsigned char) *p) && (unsigned char) *p < 128)
                        name[n++] = (char) tolower((unsigned char) *p);
                else if (n > 0 && name[n - 1] != '-')
                        name[n++] = '-';
        while (n > 0 && name[n - 1] == '-')
                n--;
        name[n] = 0;
        return (*ret = strdup(name)) ? 0 : report_oom();
}

static int choose_name(Ctl *c, ForeignImport *i, const char *kind) {
        const char *given = arguments_get(c->args, OPTION_NAME);
        _cleanup_free_ char *copy = strdup(streq(kind, "openvz") ? c->args->words[1] : c->args->words[0]), *sentence = NULL;
        const char *last;
        int r;

        if (!copy)
                return report_oom();
        last = basename(copy);
        if (given)
                r = (i->name = strdup(given)) ? 0 : report_oom();
        else if (i->foreign.name)
                r = derive_name(i->foreign.name, "", &i->name);
        else
                r = derive_name(last, isdigit((unsigned char) last[0]) && streq(kind, "openvz") ? "ct" : "", &i->name);
        if (r < 0)
                return r;
        if (container_name_valid(i->name))
                return 0;
        if (given)
                return container_name_explain(i->name, &sentence) < 0 ? report_oom() : report_failure("%s", sentence);
        return report_failure("No name for a container can be made of '%s': give --name=NAME.", last);
}

/* Before much is copied for nothing. */
static int check_free(Ctl *c, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int r;

        r = bus_message(c, "GetContainer", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", name);
        if (r < 0)
                return bus_report_create(r);
        r = sd_bus_call(c->bus, m, 0, NULL, &reply);
        return r < 0 ? 0 : report_failure("There is a container '%s' already: give another --name=NAME.", name);
}

static int import_files(Ctl *c, ForeignImport *i, char **ret_fingerprint) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_close_ int fd = -EBADF;
        const char *fingerprint;
        pid_t pid = 0;
        int r, code = 0;

        r = bus_message(c, "ImportImage", &m);
        if (r >= 0 && i->tree_fd >= 0)
                r = tree_archive_start(i->tree_fd, &fd, &pid);
        else if (r >= 0)
                fd = TAKE_FD(i->archive.fd);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ah", 1, fd);
        /* The message has a duplicate; with ours open the relay would not see that nobody reads. */
        fd = fd_close(fd);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 1, "description", "s", i->foreign.template ?: i->what);
        if (r >= 0)
                r = job_try(c, m, i->what, &reply, &error);
        else
                (void) bus_report_create(r);
        m = sd_bus_message_unref(m);
        if (pid > 0)
                code = process_wait(pid);
        if (code > 0)
                return report_failure("Not all of '%s' could be read: tar ended with %d.", i->what, code);
        if (sd_bus_error_is_set(&error))
                return bus_report(c, r, &error, i->what);
        if (r >= 0)
                r = sd_bus_message_read(reply, "so", &fingerprint, NULL);
        if (r < 0)
                return r == -ECANCELED || !reply ? r : bus_report_parse(r);
        return (*ret_fingerprint = strdup(fingerprint)) ? 0 : report_oom();
}

static int create(Ctl *c, ForeignImport *i, const char *fingerprint) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_strv_ char **given = NULL;
        int r;

        r = assignments_read(c->args->options[OPTION_SET], &given);
        if (r >= 0)
                r = bus_message(c, "CreateContainer", &m);
        if (r < 0)
                return r;
        STRV_FOREACH(g, given) {
                const char *equals = strchr(*g, '=');
                _cleanup_free_ char *key = equals ? strndup(*g, (size_t) (equals - *g)) : NULL, *sentence = NULL;
                const Setting *t;

                if (!equals)
                        return report_failure("'%s' is no setting: give --set KEY=VALUE.", *g);
                if (!key)
                        return report_oom();
                if (foreign_add(&i->foreign, !strchr(key, '.') && setting_find(key, &t, NULL, &sentence) >= 0 ? t->name : key, equals + 1) < 0)
                        return report_oom();
        }
        r = sd_bus_message_append(m, "ss", i->name, fingerprint);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, i->foreign.settings);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 0);
        return r < 0 ? bus_report_create(r) : job_call(c, m, i->name, NULL);
}

/* What OpenVZ's tools wrote into a container whenever it started. */
static int write_resolv_conf(Ctl *c, const ForeignImport *i) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
        _cleanup_strv_ char **lines = NULL;
        _cleanup_free_ char *text = NULL, *domains = NULL;
        int fds[2], r = 0;

        if (!i->foreign.name_servers)
                return 0;
        STRV_FOREACH(s, i->foreign.name_servers)
                if (r >= 0)
                        r = strv_extendf(&lines, "nameserver %s\n", *s);
        if (r >= 0 && i->foreign.search_domains)
                r = strv_join(i->foreign.search_domains, " ", &domains);
        if (r >= 0 && domains)
                r = strv_extendf(&lines, "search %s\n", domains);
        if (r >= 0)
                r = strv_join(lines, "", &text);
        if (r < 0)
                return report_oom();
        /* It is less than a pipe holds: a line of the file has at most 4 KiB. */
        if (pipe2(fds, O_CLOEXEC) < 0)
                return report_failure("Cannot make a pipe: %m.");
        read_fd = fds[0];
        write_fd = fds[1];
        if (fd_write_all(write_fd, text, strlen(text)) < 0)
                return report_failure("Cannot write to a pipe: %m.");
        write_fd = fd_close(write_fd);
        r = bus_message(c, "CopyTo", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ssha{sv}", i->name, "/etc/resolv.conf", read_fd, 1, "mode", "u", 0644);
        return r < 0 ? bus_report_create(r) : job_call(c, m, i->name, NULL);
}

static void tell(Ctl *c, const ForeignImport *i) {
        _cleanup_free_ char *joined = NULL;

        if (c->quiet)
                return;
        STRV_FOREACH(n, i->foreign.notes)
                report_note("%s", *n);
        if (i->foreign.left_out && strv_join(i->foreign.left_out, ", ", &joined) >= 0)
                report_note("Left out, as there is nothing like it here or its value is none for berth: %s.", joined);
}

int import_foreign(Ctl *c, const char *kind) {
        static const struct {
                const char *kind;
                int (*prepare)(ForeignImport *i, char *const *words);
        } kinds[] = { { "lxc", prepare_lxc }, { "openvz", prepare_openvz }, { "nspawn", prepare_nspawn } };
        _cleanup_(foreign_import_done) ForeignImport i = { .what = c->args->words[0], .tree_fd = -EBADF, .archive = SOURCE_NONE };
        _cleanup_free_ char *fingerprint = NULL;
        int r = -EINVAL;

        if (c->args->n_words < 1)
                return report_usage("Say what to import: berthctl import --%s WHAT", kind);
        for (size_t k = 0; k < ELEMENTSOF(kinds); k++)
                if (streq(kinds[k].kind, kind))
                        r = kinds[k].prepare(&i, c->args->words);
        if (r != 0)
                return r;
        r = choose_name(c, &i, kind);
        if (r >= 0)
                r = check_free(c, i.name);
        if (r >= 0)
                r = import_files(c, &i, &fingerprint);
        if (r < 0)
                return r;
        r = create(c, &i, fingerprint);
        if (r < 0) {
                (void) bus_method(c, "RemoveImage", fingerprint, NULL, "s", fingerprint);
                return r;
        }
        (void) bus_method(c, "RemoveImage", fingerprint, NULL, "s", fingerprint);
        if (write_resolv_conf(c, &i) < 0)
                report_note("'%s' has no name servers of its own.", i.name);
        tell(c, &i);
        printf("%s\n", i.name);
        return 0;
}
