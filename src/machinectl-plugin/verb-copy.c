/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* copy-to, copy-from, edit-file. Files are opened here, with the caller's rights; the container's side is the worker's, which gets a file or a pipe.
 * Directories travel as tar streams that the system's tar(1) writes and reads. A name that a container made up is used on our side by tar alone, below the
 * destination, and no link there is followed. */

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/destination.h"
#include "machinectl-plugin/edit.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/parse.h"
#include "machinectl-plugin/process.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/secret.h"
#include "machinectl-plugin/source.h"
#include "machinectl-plugin/verbs.h"
#include "shared/bus-names.h"

typedef struct Ids {
        uint32_t uid, gid;
        mode_t mode;
        bool have_uid, have_gid, have_mode;
        bool keep; /* all that the file has but its content */
} Ids;

/* The last part of a path, or NULL when that is no name ("/", ".", ".."). */
static char *last_part(const char *path) {
        size_t n = strlen(path), begin;
        char *part;

        while (n > 0 && path[n - 1] == '/')
                n--;
        for (begin = n; begin > 0 && path[begin - 1] != '/';)
                begin--;
        part = strndup(path + begin, n - begin);
        if (part && (!*part || streq(part, ".") || streq(part, ".."))) {
                free(part);
                return NULL;
        }
        return part;
}

/* "etc/hostname" is /etc/hostname in a container; where there is only one path it is the same on both sides. */
static int path_in_container(const char *path, const char *source, char **ret) {
        _cleanup_free_ char *part = NULL;
        size_t n = strlen(path);

        if (source && n > 0 && path[n - 1] == '/') {
                part = last_part(source);
                if (!part)
                        return report_failure("'%s' has no name: say what to call it in the container.", source);
        }
        if (asprintf(ret, "%s%s%s", *path == '/' ? "" : "/", path, part ?: "") < 0)
                return report_oom();
        return 0;
}

static int parse_ids(Ctl *c, Ids *ret) {
        const char *uid = arguments_get(c->args, OPTION_UID), *gid = arguments_get(c->args, OPTION_GID), *mode = arguments_get(c->args, OPTION_MODE);
        Ids ids = { .have_uid = uid, .have_gid = gid, .have_mode = mode };

        if (uid && parse_u32(uid, UINT32_MAX - 1, &ids.uid) < 0)
                return report_usage("'%s' is no user id of the container: give a number.", uid);
        if (gid && parse_u32(gid, UINT32_MAX - 1, &ids.gid) < 0)
                return report_usage("'%s' is no group id of the container: give a number.", gid);
        if (mode && parse_mode(mode, &ids.mode) < 0)
                return report_usage("'%s' is no access mode: give octal digits such as 0644.", mode);
        *ret = ids;
        return 0;
}

static int call_copy_with(Ctl *c, const char *member, const char *path, int fd, const char *ours, bool tar, const Ids *ids, int key_fd, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *name = c->args->words[0];
        int r;

        r = bus_message(c, member, &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ssh", name, path, fd);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = sd_bus_message_append(m, "{sv}", "format", "s", tar ? "tar" : "file");
        if (r >= 0 && ids && ids->have_mode)
                r = sd_bus_message_append(m, "{sv}", "mode", "u", (uint32_t) ids->mode);
        if (r >= 0 && ids && ids->have_uid)
                r = sd_bus_message_append(m, "{sv}", "uid", "u", ids->uid);
        if (r >= 0 && ids && ids->have_gid)
                r = sd_bus_message_append(m, "{sv}", "gid", "u", ids->gid);
        if (r >= 0 && ids && ids->keep)
                r = sd_bus_message_append(m, "{sv}", "keep", "b", true);
        if (r >= 0 && key_fd >= 0)
                r = sd_bus_message_append(m, "{sv}", "key", "h", key_fd);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r < 0)
                return bus_report_create(r);
        return job_try(c, m, ours, NULL, ret_error);
}

/* ours: the file on our side, for messages. ret_error: as in job_try(); NULL: an error is told. That a key is needed is found before anything is read or written. */
static int call_copy(Ctl *c, const char *member, const char *path, int fd, const char *ours, bool tar, const Ids *ids, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_close_ int key_fd = -EBADF;
        int r;

        r = secret_of_container(c, c->args->words[0], false, &key_fd);
        if (r < 0)
                return r;
        r = call_copy_with(c, member, path, fd, ours, tar, ids, key_fd, &error);
        if (r < 0 && key_fd < 0 && sd_bus_error_has_name(&error, BERTH_ERROR_KEY_NEEDED)) {
                r = secret_of_container(c, c->args->words[0], true, &key_fd);
                if (r < 0)
                        return r;
                sd_bus_error_free(&error);
                r = call_copy_with(c, member, path, fd, ours, tar, ids, key_fd, &error);
        }
        if (r >= 0 || !sd_bus_error_is_set(&error))
                return r;
        if (!ret_error)
                return bus_report(c, r, &error, ours);
        (void) sd_bus_error_copy(ret_error, &error);
        return r;
}

static int copy_directory_to(Ctl *c, const char *source, const char *path, const Ids *ids) {
        _cleanup_free_ char *directory = NULL, *owner = NULL, *group = NULL;
        _cleanup_close_ int in = -EBADF;
        int fds[2], r, code;
        pid_t pid;

        if (asprintf(&directory, "--directory=%s", source) < 0 || asprintf(&owner, "--owner=root:%u", ids->uid) < 0 ||
            asprintf(&group, "--group=root:%u", ids->gid) < 0)
                return report_oom();
        if (pipe2(fds, O_CLOEXEC) < 0)
                return report_failure("Cannot make a pipe: %m.");
        in = fds[0];
        r = process_start((const char *const[]) { "tar", "--create", "--file=-", directory, owner, group, "--numeric-owner", "--sparse", ".", NULL },
                          -EBADF, fds[1], &pid);
        (void) close(fds[1]);
        if (r < 0)
                return report_failure("Cannot start tar: %s.", strerror(-r));

        r = call_copy(c, "CopyTo", path, in, source, true, ids, NULL);
        in = fd_close(in);
        code = process_wait(pid);
        if (r >= 0 && code != 0)
                return report_failure("Not all of '%s' could be read: tar ended with %d.", source, code);
        return r;
}

/* A path that is there and is no regular file may be a directory to put the file into, as with cp(1). */
static int copy_file_to(Ctl *c, const char *source, const char *path, int fd, bool again, const Ids *ids) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *part = NULL, *below = NULL;
        int r;

        r = call_copy(c, "CopyTo", path, fd, source, false, ids, &error);
        if (r >= 0 || !sd_bus_error_is_set(&error))
                return r;
        if (!again || !sd_bus_error_has_name(&error, BERTH_ERROR_FILE_EXISTS) || lseek(fd, 0, SEEK_SET) < 0)
                return bus_report(c, r, &error, source);
        part = last_part(source);
        if (!part)
                return bus_report(c, r, &error, source);
        if (asprintf(&below, "%s/%s", path, part) < 0)
                return report_oom();
        return call_copy(c, "CopyTo", below, fd, source, false, ids, NULL);
}

int verb_copy_to(Ctl *c) {
        const char *source = c->args->words[1], *destination = c->args->words[2];
        _cleanup_free_ char *path = NULL, *absolute = NULL;
        _cleanup_(source_done) Source in = SOURCE_NONE;
        Ids ids = {};
        int r;

        r = parse_ids(c, &ids);
        if (r != 0)
                return r;
        if (streq(source, "-") && !destination)
                return report_usage("Say what to call it in the container. Usage: berthctl copy-to NAME - DESTINATION");
        r = source_open(source, "file", &in);
        if (r < 0)
                return r;

        if (!destination) {
                absolute = realpath(source, NULL);
                if (!absolute)
                        return report_failure("Cannot find '%s': %m.", source);
        }
        r = path_in_container(destination ?: absolute, source, &path);
        if (r < 0)
                return r;
        if (S_ISDIR(in.st.st_mode))
                return copy_directory_to(c, source, path, &ids);
        if (!ids.have_mode && S_ISREG(in.st.st_mode)) {
                ids.mode = in.st.st_mode & 0777;
                ids.have_mode = true;
        }
        return copy_file_to(c, source, path, in.fd, S_ISREG(in.st.st_mode), &ids);
}

/* To a terminal: what a container has in a file is shown, not obeyed. Line ends and tabs are what they are. */
static int show_on_terminal(int fd) {
        _cleanup_free_ char *line = NULL;
        _cleanup_fclose_ FILE *f = NULL;
        size_t allocated = 0;
        ssize_t n;

        f = fdopen(fd, "r");
        if (!f) {
                (void) close(fd);
                return report_oom();
        }
        while ((n = getline(&line, &allocated, f)) >= 0) {
                /* A NUL byte ends what string_escape() sees; it and what follows in the line are shown piece by piece. */
                for (char *p = line, *end = line + n; p < end;) {
                        _cleanup_free_ char *escaped = NULL;
                        size_t plain = strcspn(p, "\t\n");
                        char separator = p[plain];

                        p[plain] = 0;
                        if (string_escape(p, &escaped) < 0)
                                return report_oom();
                        fputs(escaped, stdout);
                        p += plain;
                        if (separator)
                                putchar(separator);
                        else if (p < end)
                                fputs("\\x00", stdout);
                        p++;
                }
        }
        return 0;
}

/* The pipe holds a little, and the worker waits when it is full: somebody reads while the call waits for its answer. */
static int copy_file_to_terminal(Ctl *c, const char *path) {
        int fds[2], r;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return report_failure("Cannot make a pipe: %m.");
        (void) fflush(stdout);
        pid = fork();
        if (pid < 0)
                return report_failure("Cannot fork: %m.");
        if (pid == 0) {
                (void) close(fds[1]);
                r = show_on_terminal(fds[0]);
                (void) fflush(stdout);
                _exit(r < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
        }
        (void) close(fds[0]);
        r = call_copy(c, "CopyFrom", path, fds[1], NULL, false, NULL, NULL);
        (void) close(fds[1]);
        (void) process_wait(pid);
        return r;
}

static int copy_directory_from(Ctl *c, const char *path, const char *destination) {
        _cleanup_free_ char *directory = NULL;
        bool made, force = arguments_have(c->args, OPTION_FORCE);
        int fds[2], r, code;
        pid_t pid;

        made = mkdir(destination, 0777) >= 0;
        if (!made && (errno != EEXIST || !force))
                return report_failure(errno == EEXIST ? "'%s' is there already. Copy into it with --force." : "Cannot make '%s': %m.", destination);
        if (asprintf(&directory, "--directory=%s", destination) < 0)
                return report_oom();
        if (pipe2(fds, O_CLOEXEC) < 0)
                return report_failure("Cannot make a pipe: %m.");
        /* What comes was made by a container: no owners, and no set-user-ID bits, on our side. And no links are followed: one that an earlier
         * copy has made leads where the container said, so what stands in the way is removed, which is tar's way unless it is told to overwrite. */
        r = process_start((const char *const[]) { "tar", "--extract", "--file=-", directory, "--no-same-owner", "--no-same-permissions",
                                                  force ? "--overwrite-dir" : "--keep-old-files", NULL },
                          fds[0], -EBADF, &pid);
        (void) close(fds[0]);
        if (r < 0) {
                (void) close(fds[1]);
                return report_failure("Cannot start tar: %s.", strerror(-r));
        }
        r = call_copy(c, "CopyFrom", path, fds[1], NULL, true, NULL, NULL);
        if (r < 0)
                /* Why has been said; what tar makes of half a stream adds nothing. */
                (void) kill(pid, SIGTERM);
        (void) close(fds[1]);
        code = process_wait(pid);
        if (r < 0 && made)
                (void) rmdir(destination); /* when nothing came */
        if (r >= 0 && code != 0)
                return report_failure("Not all could be written to '%s': tar ended with %d.", destination, code);
        return r;
}

static int copy_file_from(Ctl *c, const char *path, const char *destination) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(destination_done) Destination d = DESTINATION_NONE;
        int r;

        r = destination_open(destination, arguments_have(c->args, OPTION_FORCE), &d);
        if (r == -EISDIR)
                return copy_directory_from(c, path, destination);
        if (r == -EEXIST)
                return report_failure("'%s' is there already. Overwrite it with --force.", destination);
        if (r < 0)
                return report_failure("Cannot write '%s': %s.", destination, strerror(-r));
        r = call_copy(c, "CopyFrom", path, d.fd, NULL, false, NULL, &error);
        if (r < 0 && sd_bus_error_has_name(&error, BERTH_ERROR_INVALID_ARGUMENT) && d.temporary) {
                /* No regular file: a directory, or what that way finds wrong with it. */
                destination_done(&d);
                return copy_directory_from(c, path, destination);
        }
        if (r < 0)
                return sd_bus_error_is_set(&error) ? bus_report(c, r, &error, NULL) : r;
        r = destination_commit(&d);
        if (r == -EEXIST)
                return report_failure("'%s' appeared meanwhile. Overwrite it with --force.", destination);
        if (r < 0)
                return report_failure("Cannot write '%s': %s.", destination, strerror(-r));
        return 0;
}

/* DIRECTORY becomes DIRECTORY/NAME. */
static int path_on_host(const char *destination, const char *source, char **ret) {
        _cleanup_free_ char *part = NULL;
        size_t n = strlen(destination);
        struct stat st;

        if (!(n > 0 && destination[n - 1] == '/') && (stat(destination, &st) < 0 || !S_ISDIR(st.st_mode))) {
                *ret = strdup(destination);
                return *ret ? 0 : report_oom();
        }
        part = last_part(source);
        if (!part)
                return report_failure("'%s' has no name: say what to call it here.", source);
        return asprintf(ret, "%s%s%s", destination, n > 0 && destination[n - 1] == '/' ? "" : "/", part) < 0 ? report_oom() : 0;
}

int verb_copy_from(Ctl *c) {
        const char *source = c->args->words[1], *destination = c->args->words[2];
        _cleanup_free_ char *path = NULL, *target = NULL;
        int r;

        r = path_in_container(source, NULL, &path);
        if (r < 0)
                return r;
        if (destination && streq(destination, "-")) {
                if (arguments_have(c->args, OPTION_RECURSIVE) && c->terminal)
                        return report_failure("Standard output is a terminal: no place for a tar stream.");
                if (c->terminal)
                        return copy_file_to_terminal(c, path);
                return call_copy(c, "CopyFrom", path, STDOUT_FILENO, NULL, arguments_have(c->args, OPTION_RECURSIVE), NULL, NULL);
        }
        r = path_on_host(destination ?: path, source, &target);
        if (r < 0)
                return r;
        return arguments_have(c->args, OPTION_RECURSIVE) ? copy_directory_from(c, path, target) : copy_file_from(c, path, target);
}

static int open_temporary(const char *path, char **ret_name) {
        const char *directory = getenv("TMPDIR");
        _cleanup_free_ char *part = last_part(path), *name = NULL;
        int fd;

        /* Its own name at the end tells an editor what kind of text it is. */
        if (asprintf(&name, "%s/berth-XXXXXX-%s", isempty(directory) || directory[0] != '/' ? "/tmp" : directory, part ?: "file") < 0)
                return report_oom();
        fd = mkostemps(name, (int) strlen(part ?: "file") + 1, O_CLOEXEC);
        if (fd < 0)
                return report_failure("Cannot make a file in '%s': %m.", directory ?: "/tmp");
        *ret_name = TAKE_PTR(name);
        return fd;
}

/* 1: they have the same content. */
static int same_content(int a, int b) {
        char one[16384], other[sizeof one];
        off_t at = 0;
        ssize_t n;

        for (;; at += n) {
                n = pread(a, one, sizeof one, at);
                if (n < 0 || pread(b, other, sizeof other, at) != n)
                        return n < 0 ? -errno : 0;
                if (n == 0)
                        return 1;
                if (memcmp(one, other, (size_t) n) != 0)
                        return 0;
        }
}

static int copy_whole(int from_fd, int to_fd) {
        off_t at = 0;
        ssize_t n;

        while ((n = sendfile(to_fd, from_fd, &at, 1 << 30)) > 0)
                ;
        return n < 0 ? -errno : 0;
}

static int edit_copy(Ctl *c, const char *path, const char *file, bool *ret_keep_file) {
        _cleanup_close_ int before = memfd_create("before", MFD_CLOEXEC), now = memfd_create("now", MFD_CLOEXEC), fd = -EBADF;
        const Ids keep = { .keep = true };
        bool writing;
        int r;

        if (before < 0 || now < 0)
                return report_failure("Out of memory.");
        fd = open(file, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return report_failure("Cannot open '%s': %m.", file);
        r = call_copy(c, "CopyFrom", path, fd, NULL, false, NULL, NULL);
        if (r < 0)
                return r;
        if (copy_whole(fd, before) < 0)
                return report_failure("Cannot read '%s': %m.", file);
        r = edit_run(file);
        if (r < 0)
                return r;

        /* Editors make a new file of the name. */
        fd = fd_close(fd);
        fd = open(file, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return report_failure("Cannot open '%s': %m.", file);
        writing = same_content(fd, before) == 0;
        if (!writing) {
                if (!c->quiet)
                        report_note("Nothing was changed.");
                return 0;
        }
        *ret_keep_file = true;
        r = call_copy(c, "CopyFrom", path, now, NULL, false, NULL, NULL);
        if (r >= 0 && same_content(now, before) == 0)
                r = report_failure("'%s' was changed in the container meanwhile.", path);
        if (r >= 0)
                r = call_copy(c, "CopyTo", path, fd, file, false, &keep, NULL);
        if (r < 0)
                report_note("What you have written is in '%s'.", file);
        else
                *ret_keep_file = false;
        return r;
}

int verb_edit_file(Ctl *c) {
        _cleanup_free_ char *path = NULL, *file = NULL;
        const Ids keep = { .keep = true };
        bool keep_file = false;
        struct stat st;
        int r, fd;

        r = path_in_container(c->args->words[1], NULL, &path);
        if (r < 0)
                return r;
        /* Nothing that is only closed or empty by habit (/dev/null) is an answer. */
        if (fstat(STDIN_FILENO, &st) >= 0 && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)))
                return call_copy(c, "CopyTo", path, STDIN_FILENO, "-", false, &keep, NULL);
        fd = open_temporary(path, &file);
        if (fd < 0)
                return fd;
        (void) close(fd);
        r = edit_copy(c, path, file, &keep_file);
        if (!keep_file)
                (void) unlink(file);
        return r;
}
