/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "generator/generator.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "settings/file.h"
#include "settings/load.h"
#include "settings/server.h"
#include "shared/names.h"

#define DROP_IN "50-berth.conf"
#define BOOT_DROP_IN "60-berth-boot.conf"
#define OWNER_DROP_IN "40-berth-owner.conf"

typedef struct Autostart {
        char name[CONTAINER_NAME_MAX + 1];
        int priority;
        uint64_t delay_usec;
} Autostart;

typedef struct Generator {
        const char *root;        /* borrowed */
        int output;              /* borrowed */
        SettingsFiles common;
        ServerSettings server;
        bool common_has_unit;
        bool have_containers;    /* the state directory is there: early in boot it may be on a file system that is mounted later */
        unsigned written;        /* drop-ins of single containers' units */
        bool have_ephemeral;     /* a container is deleted when it stops */
        Autostart *autostarts;   /* owned */
        size_t n_autostarts;
} Generator;

static int write_file(int output, const char *directory, const char *file, const char *text) {
        _cleanup_close_ int dir = -EBADF, fd = -EBADF;

        if (mkdirat(output, directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        dir = openat(output, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        fd = openat(dir, file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        return fd_write_all(fd, text, strlen(text));
}

/* The lines of one section: "Section.Key=value", those of raw.unit behind a '!'. */
static void print_section(FILE *f, const char *section, char *const *dependencies, char *const *lines) {
        bool begun = false;

        STRV_FOREACH(d, dependencies) {
                fprintf(f, "%s%s\n", begun ? "" : "[Unit]\n", *d);
                begun = true;
        }
        STRV_FOREACH(l, lines) {
                const char *rest = startswith(*l + (**l == '!'), section);

                if (!rest || *rest != '.')
                        continue;
                if (!begun)
                        fprintf(f, "[%s]\n", section);
                fprintf(f, "%s\n", rest + 1);
                begun = true;
        }
}

/* Whatever there is to say of one unit; nothing, and no file, when that is nothing. */
static int write_drop_in(Generator *g, const char *unit, const char *name, const char *const *sections, char *const *dependencies, char *const *lines) {
        _cleanup_free_ char *text = NULL, *content = NULL, *directory = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        int r;

        if (!f)
                return -errno;
        for (; *sections; sections++)
                print_section(f, *sections, streq(*sections, "Unit") ? dependencies : NULL, lines);
        if (fclose(f) != 0)
                return -ENOMEM;
        if (size == 0)
                return 0;
        if (asprintf(&content, "# Made by berth-generator from the settings of '%s'.\n%s", name, text) < 0)
                return -ENOMEM;
        if (asprintf(&directory, "%s.d", unit) < 0)
                return -ENOMEM;
        r = write_file(g->output, directory, DROP_IN, content);
        if (r >= 0)
                g->written++;
        return r;
}

static int link_unit(int output, const char *target, const char *unit, const char *path) {
        _cleanup_close_ int dir = -EBADF;
        _cleanup_free_ char *directory = NULL;

        if (asprintf(&directory, "%s.wants", target) < 0)
                return -ENOMEM;
        if (mkdirat(output, directory, 0755) < 0 && errno != EEXIST)
                return -errno;
        dir = openat(output, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        return symlinkat(path, dir, unit) < 0 && errno != EEXIST ? -errno : 0;
}

static int remember_autostart(Generator *g, const char *name, const Settings *s) {
        Autostart *all;

        if (!s->autostart)
                return 0;
        all = reallocarray(g->autostarts, g->n_autostarts + 1, sizeof *all);
        if (!all)
                return -ENOMEM;
        g->autostarts = all;
        all[g->n_autostarts] = (Autostart) { .priority = s->autostart_priority, .delay_usec = s->autostart_delay_usec };
        snprintf(all[g->n_autostarts].name, sizeof all[0].name, "%s", name);
        g->n_autostarts++;
        return 0;
}

/* A unit that sleeps between a container and its priority's target: the container's own start does not take longer. */
static int write_delay(Generator *g, const Autostart *a) {
        _cleanup_free_ char *file = NULL, *text = NULL;

        if (asprintf(&file, "berth-delay-%s.service", a->name) < 0 ||
            asprintf(&text, "# Made by berth-generator: AutostartDelaySec= of '%s'.\n[Unit]\nDescription=Pause after container %s\nAfter=berth@%s.service\n"
                            "Before=berth-boot-%d.target\n\n[Service]\nType=oneshot\nExecStart=sleep %llu.%06llu\nTimeoutStartSec=infinity\n",
                     a->name, a->name, a->name, a->priority, (unsigned long long) (a->delay_usec / USEC_PER_SEC),
                     (unsigned long long) (a->delay_usec % USEC_PER_SEC)) < 0)
                return -ENOMEM;
        return write_file(g->output, ".", file, text);
}

/* Containers of one priority are between two points of the boot: before the target of their own priority, and after that of the next higher
 * one that anybody has. At the host's end the order is the other way round. */
static int write_autostart(Generator *g, const Autostart *a) {
        _cleanup_free_ char *unit = NULL, *directory = NULL, *target = NULL, *text = NULL, *after = NULL, *delay = NULL;
        int next = INT_MAX, r;

        for (const Autostart *b = g->autostarts; b < g->autostarts + g->n_autostarts; b++)
                if (b->priority > a->priority)
                        next = MIN_OF(next, b->priority);
        if (asprintf(&unit, "berth@%s.service", a->name) < 0 || asprintf(&directory, "%s.d", unit) < 0 ||
            asprintf(&target, "berth-boot-%d.target", a->priority) < 0 ||
            (next < INT_MAX && asprintf(&after, "After=berth-boot-%d.target\n", next) < 0) ||
            (a->delay_usec > 0 && asprintf(&delay, "Wants=berth-delay-%s.service\n", a->name) < 0) ||
            asprintf(&text, "# Made by berth-generator: Autostart= of '%s'.\n[Unit]\nWants=%s\nBefore=%s\n%s%s", a->name, target, target, after ?: "",
                     delay ?: "") < 0)
                return -ENOMEM;

        r = link_unit(g->output, "multi-user.target", unit, BERTH_UNIT_DIR "/berth@.service");
        if (r >= 0)
                r = write_file(g->output, ".", target, "[Unit]\nDescription=Containers that start first\nDefaultDependencies=no\n");
        if (r >= 0)
                r = write_file(g->output, directory, BOOT_DROP_IN, text);
        if (r >= 0 && a->delay_usec > 0)
                r = write_delay(g, a);
        return r;
}

/* OnCalendar= of berth-snapshot@NAME.timer, which berth-snapshots.target wants: that is started at boot, and again by the manager when a schedule has changed. */
static int write_schedule(Generator *g, const char *name, const Settings *s) {
        _cleanup_free_ char *unit = NULL, *directory = NULL, *text = NULL;
        int r;

        if (!s->snapshot_schedule)
                return 0;
        if (asprintf(&unit, "berth-snapshot@%s.timer", name) < 0 || asprintf(&directory, "%s.d", unit) < 0 ||
            asprintf(&text, "# Made by berth-generator: SnapshotSchedule= of '%s'.\n[Timer]\nOnCalendar=%s\n", name, s->snapshot_schedule) < 0)
                return -ENOMEM;
        r = write_file(g->output, directory, DROP_IN, text);
        return r < 0 ? r : link_unit(g->output, "berth-snapshots.target", unit, BERTH_UNIT_DIR "/berth-snapshot@.timer");
}

/* Written by berth alone, into container.conf: no merge is needed to know. */
static bool is_ephemeral(const SettingsFiles *files) {
        for (size_t i = 0; i < files->n; i++) {
                const Ini *ini = &files->items[i]->ini;

                for (const IniLine *l = ini->lines; l < ini->lines + ini->n_lines; l++)
                        if (l->kind == INI_ASSIGNMENT && streq(l->section, "Container") && streq(l->key, "Ephemeral") && parse_bool(l->value) > 0)
                                return true;
        }
        return false;
}

static uid_t owner_of(const SettingsFiles *files) {
        uid_t owner = 0;
        uint32_t n;

        for (size_t i = 0; i < files->n; i++) {
                const Ini *ini = &files->items[i]->ini;

                for (const IniLine *l = ini->lines; l < ini->lines + ini->n_lines; l++)
                        if (l->kind == INI_ASSIGNMENT && streq(l->section, "Container") && streq(l->key, "Owner") && parse_u32(l->value, UINT32_MAX - 1, &n) >= 0)
                                owner = n;
        }
        return owner;
}

/* Units of a user's container are in a slice below his own, which loginctl shows, and are stopped with his service manager: logind stops that when he has
 * logged out and may not linger; from systemd 256 on by a stop of his runtime directory, which the manager is bound to. They neither start nor need it, so
 * that a user whom a rule of polkit lets in needs no session. Unlike what is the administrator's to say, this counts even if the settings have a mistake. */
static int write_owner(Generator *g, const char *name, uid_t owner) {
        _cleanup_free_ char *directory = NULL, *text = NULL, *slice_directory = NULL, *slice_text = NULL;
        char slice[BERTH_SLICE_MAX], bytes[DECIMAL_MAX];
        const char *memory;
        uint64_t n;
        int r;

        if (owner == 0)
                return 0;
        memory = server_get(&g->server, SERVER_MEMORY_PER_USER_MAX);
        n = server_get_number(&g->server, SERVER_MEMORY_PER_USER_MAX);
        /* PID 1 writes sizes in fewer ways than we do. */
        if (n != UINT64_MAX) {
                snprintf(bytes, sizeof bytes, "%llu", (unsigned long long) n);
                memory = bytes;
        }
        (void) container_slice(NULL, owner, slice);
        if (asprintf(&directory, "berth@%s.service.d", name) < 0 ||
            asprintf(&text, "# Made by berth-generator: the owner of '%s'.\n[Unit]\nAfter=user@%u.service\nStopPropagatedFrom=user@%u.service user-runtime-dir@%u.service\n\n"
                            "[Service]\nSlice=%s\n", name, owner, owner, owner, slice) < 0 ||
            asprintf(&slice_directory, "%s.d", slice) < 0 ||
            asprintf(&slice_text, "# Made by berth-generator: MemoryPerUserMax= of berth.conf.\n[Unit]\nDescription=Containers of user %u\n\n[Slice]\nMemoryMax=%s\n",
                     owner, memory) < 0)
                return -ENOMEM;
        r = write_file(g->output, directory, OWNER_DROP_IN, text);
        return r < 0 ? r : write_file(g->output, slice_directory, DROP_IN, slice_text);
}

static int generate(Generator *g, const char *name, char **ret_error) {
        _cleanup_(settings_files_done) SettingsFiles own = {};
        _cleanup_(settings_freep) Settings *s = NULL;
        _cleanup_free_ char *service = NULL, *scope = NULL;
        int r;

        if (g->have_containers)
                r = settings_files_read_own(g->root, name, &own, ret_error);
        else
                r = settings_files_read_drop_ins(g->root, name, &own, ret_error);
        if (r < 0)
                return r;
        g->have_ephemeral = g->have_ephemeral || is_ephemeral(&own);
        r = write_owner(g, name, owner_of(&own));
        if (r < 0)
                return r;
        if (!g->common_has_unit && !settings_files_have_units(&own))
                return 0;

        r = settings_files_merge(&g->common, &own, true, &s, ret_error);
        if (r < 0)
                return r;
        if (asprintf(&service, "berth@%s.service", name) < 0)
                return -ENOMEM;
        r = container_scope(name, &scope);
        if (r >= 0)
                r = write_drop_in(g, service, name, (const char *const[]) { "Unit", "Service", NULL }, s->unit_dependencies, s->unit_lines);
        if (r >= 0)
                r = write_drop_in(g, scope, name, (const char *const[]) { "Scope", NULL }, NULL, s->unit_lines);
        if (r >= 0)
                r = write_schedule(g, name, s);
        return r < 0 ? r : remember_autostart(g, name, s);
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

        if (server_settings_load(root, &g.server, &error) < 0)
                log_warning("Not all settings of the server count: %s", error ?: "they cannot be read");
        free(TAKE_PTR(error));
        r = settings_files_read_common(root, &g.common, &error);
        if (r < 0) {
                log_warning("No unit settings for all containers: %s", error ?: strerror(-r));
                settings_files_done(&g.common);
        }
        g.common_has_unit = settings_files_have_units(&g.common);

        if (g.have_containers)
                generate_all(&g, containers, "");
        else
                generate_all(&g, drop_ins, ".conf.d");
        for (const Autostart *a = g.autostarts; a < g.autostarts + g.n_autostarts; a++) {
                r = write_autostart(&g, a);
                if (r < 0)
                        log_warning_errno(r, "Cannot write the autostart of '%s': %m", a->name);
        }
        /* One that ran when the host went down is deleted by the manager, which nobody might call for long. */
        if (g.have_ephemeral) {
                r = link_unit(g.output, "multi-user.target", "berth-containerd.service", BERTH_UNIT_DIR "/berth-containerd.service");
                if (r < 0)
                        log_warning_errno(r, "Ephemeral containers that are left are not deleted at boot: %m");
        }
        free(g.autostarts);
        server_settings_done(&g.server);
        settings_files_done(&g.common);
        return (int) g.written;
}
