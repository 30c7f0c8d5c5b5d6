/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* image-set, image-unset, image-edit: what is said of an image. export: the file that it was imported from. */

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/destination.h"
#include "machinectl-plugin/edit.h"
#include "machinectl-plugin/image-metadata.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "shared/bus-names.h"
#include "shared/image-archive.h"

#define METADATA_TEXT_MAX (64U * 1024U)
#define COPY_STEP (64U * 1024U * 1024U)

static int change(Ctl *c, char *const *assignments, char *const *unset) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *image = c->args->words[0];
        int r;

        r = bus_message(c, "SetImage", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", image);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) assignments);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) unset);
        return r < 0 ? bus_report_create(r) : job_call(c, m, image, NULL);
}

int verb_image_set(Ctl *c) {
        _cleanup_strv_ char **assignments = NULL;
        int r = settings_read_assignments(c->args->words + 1, "image-set IMAGE", &assignments);

        return r != 0 ? r : change(c, assignments, NULL);
}

int verb_image_unset(Ctl *c) {
        return change(c, NULL, c->args->words + 1);
}

typedef struct Edited {
        const char *image;  /* borrowed */
        const char *before; /* borrowed; "": whatever it was */
} Edited;

/* The manager has it parsed where a mistake of the parser's does no harm. */
static int check(_unused_ const char *text, _unused_ void *userdata, _unused_ char **ret_error) {
        return 0;
}

static int save(Ctl *c, const char *text, void *userdata, char **ret_error) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const Edited *e = userdata;
        int r;

        r = bus_message(c, "ReplaceImageMetadata", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "sss", e->image, text, e->before);
        if (r < 0)
                return bus_report_create(r);
        r = job_try(c, m, e->image, NULL, &error);
        if (sd_bus_error_is_set(&error)) {
                *ret_error = strdup(error.message ?: error.name);
                return -EAGAIN;
        }
        return r;
}

static int take_standard_input(Ctl *c, const char *image) {
        _cleanup_free_ char *text = NULL, *error = NULL;
        Edited e = { .image = image, .before = "" };
        int r;

        r = fd_read_string(STDIN_FILENO, METADATA_TEXT_MAX, &text, NULL);
        if (r < 0)
                return report_failure("Cannot read standard input: %s.", strerror(-r));
        r = save(c, text, &e, &error);
        return error ? report_failure("%s", error) : r;
}

int verb_image_edit(Ctl *c) {
        static const EditKind kind = {
                ".yaml", "As in metadata.yaml of an image; dates are seconds since 1970, public is true or false.", NULL,
        };
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_free_ char *what = NULL;
        Edited e = { .image = c->args->words[0] };
        struct stat st;
        int r;

        /* Nothing that is only closed or empty by habit (/dev/null) is an answer. */
        if (fstat(STDIN_FILENO, &st) >= 0 && (S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)))
                return take_standard_input(c, e.image);
        r = bus_method(c, "GetImageMetadata", e.image, &reply, "s", e.image);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "s", &e.before);
        if (r < 0)
                return bus_report_parse(r);
        if (asprintf(&what, "image '%s'", e.image) < 0)
                return report_oom();
        return edit_text_as(c, &kind, what, e.before, check, save, &e);
}

static int copy(int from_fd, int to_fd) {
        ssize_t n;

        if (ioctl(to_fd, FICLONE, from_fd) >= 0)
                return 0;
        while ((n = copy_file_range(from_fd, NULL, to_fd, NULL, COPY_STEP, 0)) > 0)
                ;
        if (n == 0)
                return 0;
        if (errno != EINVAL && errno != EXDEV && errno != ENOSYS && errno != EOPNOTSUPP && errno != EBADF)
                return -errno;
        while ((n = sendfile(to_fd, from_fd, NULL, COPY_STEP)) > 0)
                ;
        return n < 0 ? -errno : 0;
}

typedef struct Export {
        struct {
                int fd;           /* borrowed */
                const char *kind; /* borrowed */
                char *path;       /* owned */
                Destination to;
        } files[1 + IMAGE_ARCHIVES_MAX];
        size_t n;
        int metadata_fd; /* owned; negative: it has its own */
} Export;

static void export_done(Export *e) {
        for (size_t i = 0; i < e->n; i++) {
                destination_done(&e->files[i].to);
                free(e->files[i].path);
        }
        e->metadata_fd = fd_close(e->metadata_fd);
}

static void add_file(Export *e, int fd, const char *kind) {
        e->files[e->n].fd = fd;
        e->files[e->n].kind = kind;
        e->files[e->n].path = NULL;
        e->files[e->n++].to = DESTINATION_NONE;
}

static int write_file(Ctl *c, int fd, const char *path, Destination *d) {
        int r;

        r = destination_open(path, arguments_have(c->args, OPTION_FORCE), d);
        if (r == -EEXIST)
                return report_failure("'%s' is there already. Overwrite it with --force.", path);
        if (r >= 0)
                r = copy(fd, d->fd);
        /* A disk that is full may say so only now. */
        if (r >= 0 && d->temporary && fsync(d->fd) < 0)
                r = -errno;
        return r < 0 ? report_failure("Cannot write '%s': %s.", path, strerror(-r)) : 0;
}

/* The file's name: as it was given, or in a directory after the fingerprint. */
static int name_file(const char *target, const char *fingerprint, const char *kind, bool second, char **ret) {
        struct stat st;
        size_t n = strlen(target ?: "");
        int r;

        if (target && !(n > 0 && target[n - 1] == '/') && (stat(target, &st) < 0 || !S_ISDIR(st.st_mode)))
                r = asprintf(ret, "%s%s", target, second ? ".root" : "");
        else
                r = asprintf(ret, "%s%s%s%s.%s", target ?: "", target && n > 0 && target[n - 1] != '/' ? "/" : "", fingerprint, second ? ".root" : "", kind);
        return r < 0 ? report_oom() : 0;
}

static int write_files(Ctl *c, Export *e, const char *target, const char *fingerprint) {
        int r;

        for (size_t i = 0; i < e->n; i++) {
                r = name_file(target, fingerprint, e->files[i].kind, i > 0, &e->files[i].path);
                if (r >= 0)
                        r = write_file(c, e->files[i].fd, e->files[i].path, &e->files[i].to);
                if (r < 0)
                        return r;
        }
        /* Where the first one is, both are. */
        for (size_t i = e->n; i-- > 0;) {
                r = destination_commit(&e->files[i].to);
                if (r < 0)
                        return report_failure("Cannot write '%s': %s.", e->files[i].path, strerror(-r));
        }
        for (size_t i = 0; i < e->n && !c->quiet; i++)
                printf("%s\n", e->files[i].path);
        return 0;
}

/* Of what it is written for: images that have metadata, in one file or two, are whole as they were imported. */
static int make_metadata(Ctl *c, const char *path, const char *name, Export *e) {
        _cleanup_json_ json_object *image = NULL;
        const char *type;
        int r;

        r = bus_get_properties(c, path, BERTH_IMAGE_INTERFACE, name, &image);
        if (r < 0)
                return r;
        type = json_object_get_string(json_object_object_get(image, "Type")) ?: "";
        if (streq(type, "oci"))
                return report_failure("The file of image '%s' is layers and no root file system, so metadata would not make it an image for others. "
                                      "Publish a container that was made from it, and export that image.", name);
        if (!streq(type, "plain"))
                return 0;
        r = image_metadata_archive(image, &e->metadata_fd);
        return r < 0 ? report_failure("Cannot write the metadata of image '%s': %s.", name, strerror(-r)) : 0;
}

int verb_export(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL, *image = NULL;
        const char *name = c->args->words[0], *target = c->args->words[1], *path, *fingerprint;
        _cleanup_(export_done) Export e = { .metadata_fd = -EBADF };
        _cleanup_free_ char *decoded = NULL;
        _cleanup_strv_ char **kinds = NULL;
        int r, fd;

        r = bus_method(c, "GetImage", name, &image, "s", name);
        if (r < 0)
                return r;
        r = sd_bus_message_read(image, "o", &path);
        if (r >= 0)
                r = sd_bus_path_decode(path, BERTH_IMAGE_PATH, &decoded);
        if (r < 0)
                return bus_report_parse(r);
        fingerprint = decoded ?: name;
        if (arguments_have(c->args, OPTION_METADATA)) {
                r = make_metadata(c, path, name, &e);
                if (r < 0)
                        return r;
        }
        r = bus_method(c, "ExportImage", name, &reply, "s", fingerprint);
        if (r < 0)
                return r;
        r = sd_bus_message_read_strv(reply, &kinds);
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "h");
        if (r < 0)
                return bus_report_parse(r);
        if (e.metadata_fd >= 0)
                add_file(&e, e.metadata_fd, "tar");
        for (size_t i = 0; i < strv_length(kinds) && i < IMAGE_ARCHIVES_MAX; i++) {
                r = sd_bus_message_read(reply, "h", &fd);
                if (r < 0)
                        return bus_report_parse(r);
                add_file(&e, fd, kinds[i]);
        }
        if (!target || !streq(target, "-"))
                return write_files(c, &e, target, fingerprint);
        if (e.n > 1)
                return report_failure("Image '%s' is two files%s: name one to write them to.", name, e.metadata_fd >= 0 ? " with its metadata" : "");
        if (c->terminal)
                return report_failure("Standard output is a terminal: no place for an archive.");
        r = e.n > 0 ? copy(e.files[0].fd, STDOUT_FILENO) : 0;
        return r < 0 ? report_failure("Cannot write: %s.", strerror(-r)) : 0;
}
