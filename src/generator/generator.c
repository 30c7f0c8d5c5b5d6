/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/generator.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "settings/load.h"
#include "shared/names.h"

#define DROP_IN "50-berth.conf"

typedef struct Generator {
        const char *root;        /* borrowed */
        int output;              /* borrowed */
        SettingsFiles common;
        bool common_has_unit;
        bool have_containers;    /* the state directory is there: early in boot it may be on a file system that is mounted later */
        unsigned written;
} Generator;

static int write_drop_in(int output, const char *name, char *const *dependencies) {
        _cleanup_close_ int dir = -EBADF, fd = -EBADF;
        _cleanup_free_ char *path = NULL, *lines = NULL, *text = NULL;
        int n, r;

        r = strv_join(dependencies, "\n", &lines);
        if (r < 0)
                return r;
        n = asprintf(&text, "# Made by berth-generator from the [Unit] settings of '%s'.\n[Unit]\n%s\n", name, lines);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        if (asprintf(&path, "berth@%s.service.d", name) < 0) {
                path = NULL;
                return -ENOMEM;
        }

        if (mkdirat(output, path, 0755) < 0 && errno != EEXIST)
                return -errno;
        dir = openat(output, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        fd = openat(dir, DROP_IN, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        return fd_write_all(fd, text, (size_t) n);
}

static int generate(Generator *g, const char *name, char **ret_error) {
        _cleanup_(settings_files_done) SettingsFiles own = {};
        _cleanup_(settings_freep) Settings *s = NULL;
        int r;

        if (g->have_containers)
                r = settings_files_read_own(g->root, name, &own, ret_error);
        else
                r = settings_files_read_drop_ins(g->root, name, &own, ret_error);
        if (r < 0)
                return r;
        if (!g->common_has_unit && !settings_files_have_section(&own, "Unit"))
                return 0;

        r = settings_files_merge(&g->common, &own, "Unit", &s, ret_error);
        if (r < 0)
                return r;
        if (!s->unit_dependencies)
                return 0;
        r = write_drop_in(g->output, name, s->unit_dependencies);
        if (r < 0)
                return r;
        g->written++;
        return 0;
}

/* Calls generate() for every entry of the directory whose name is a container's and the suffix. */
static void generate_all(Generator *g, const char *directory, const char *suffix) {
        struct dirent *de;
        DIR *d;

        d = opendir(directory);
        if (!d) {
                if (errno != ENOENT)
                        log_warning_errno(errno, "Cannot read '%s': %m", directory);
                return;
        }

        while ((de = readdir(d))) {
                _cleanup_free_ char *error = NULL, *name = NULL;
                const char *end = endswith(de->d_name, suffix);
                int r;

                if (!end)
                        continue;
                name = strndup(de->d_name, (size_t) (end - de->d_name));
                if (!name) {
                        log_oom();
                        break;
                }
                if (!container_name_valid(name))
                        continue;
                r = generate(g, name, &error);
                if (r == -ENOENT)
                        continue; /* deleted this moment */
                if (r < 0 && error)
                        log_warning("No unit settings for '%s': %s", name, error);
                else if (r < 0)
                        log_warning_errno(r, "No unit settings for '%s': %m", name);
        }
        (void) closedir(d);
}

int generator_run(const char *root, const char *output) {
        _cleanup_free_ char *containers = NULL, *drop_ins = NULL, *error = NULL;
        _cleanup_close_ int output_fd = -EBADF;
        Generator g = { .root = root };
        int r;

        if (asprintf(&containers, "%s" BERTH_STATE_DIR "/" DIR_CONTAINERS, root) < 0) {
                containers = NULL;
                return -ENOMEM;
        }
        if (asprintf(&drop_ins, "%s" BERTH_CONFIG_DIR "/containers", root) < 0) {
                drop_ins = NULL;
                return -ENOMEM;
        }

        output_fd = open(output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (output_fd < 0)
                return -errno;
        g.output = output_fd;
        g.have_containers = access(containers, F_OK) >= 0;

        r = settings_files_read_common(root, &g.common, &error);
        if (r < 0) {
                log_warning("No unit settings for all containers: %s", error ?: strerror(-r));
                settings_files_done(&g.common);
        }
        g.common_has_unit = settings_files_have_section(&g.common, "Unit");

        if (g.have_containers)
                generate_all(&g, containers, "");
        else
                generate_all(&g, drop_ins, ".conf.d");
        settings_files_done(&g.common);
        return (int) g.written;
}
