/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/container.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/fd-check.h"
#include "containerd/image.h"
#include "settings/settings.h"
#include "shared/bus-names.h"
#include "shared/names.h"
#include "shared/runtime-state.h"

static const char *const state_names[_CONTAINER_STATE_MAX] = {
        [CONTAINER_STOPPED] = "stopped", [CONTAINER_STARTING] = "starting", [CONTAINER_RUNNING] = "running",
        [CONTAINER_STOPPING] = "stopping", [CONTAINER_FROZEN] = "frozen", [CONTAINER_FAILED] = "failed",
};

const char *container_state_to_string(ContainerState s) {
        return s >= 0 && s < _CONTAINER_STATE_MAX ? state_names[s] : NULL;
}

ContainerState container_state_from_string(const char *s) {
        for (int i = 0; i < _CONTAINER_STATE_MAX; i++)
                if (streq(state_names[i], s))
                        return (ContainerState) i;
        return _CONTAINER_STATE_INVALID;
}

ContainerState container_state_from_unit(const char *active_state) {
        static const struct {
                const char *active_state;
                ContainerState state;
        } map[] = {
                { "active", CONTAINER_RUNNING },
                { "reloading", CONTAINER_RUNNING },
                { "refreshing", CONTAINER_RUNNING },
                { "activating", CONTAINER_STARTING },
                { "deactivating", CONTAINER_STOPPING },
                { "inactive", CONTAINER_STOPPED },
                { "maintenance", CONTAINER_STOPPED },
                { "failed", CONTAINER_FAILED },
        };

        for (size_t i = 0; i < ELEMENTSOF(map); i++)
                if (streq(map[i].active_state, active_state))
                        return map[i].state;
        return _CONTAINER_STATE_INVALID;
}

int container_new(Manager *m, const char *name, Container **ret) {
        _cleanup_(container_freep) Container *c = NULL;
        int r;

        assert(m && name && ret);

        c = calloc(1, sizeof *c);
        if (!c)
                return -ENOMEM;
        c->name = strdup(name);
        if (!c->name)
                return -ENOMEM;
        r = table_put(&m->containers, c);
        if (r < 0)
                return r;
        c->manager = m;
        *ret = TAKE_PTR(c);
        return 0;
}

Container *container_free(Container *c) {
        if (!c)
                return NULL;
        if (c->manager)
                (void) table_remove(&c->manager->containers, c->name);
        container_record_done(&c->record);
        free(c->name);
        free(c);
        return NULL;
}

/* The leader is in the scope's cgroup or below. */
int container_open_cgroup(const char *name, pid_t leader) {
        _cleanup_free_ char *text = NULL, *scope = NULL, *path = NULL;
        char proc[sizeof "/proc/" + DECIMAL_MAX];
        _cleanup_close_ int dir = -EBADF;
        char *group, *end;
        int r;

        snprintf(proc, sizeof proc, "/proc/%d", (int) leader);
        dir = open(proc, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
                return -errno;
        r = path_read(dir, "cgroup", 64 * 1024, &text, NULL);
        if (r >= 0)
                r = container_scope(name, &scope);
        if (r < 0)
                return r;
        group = strstr(text, "0::/");
        if (!group)
                return -ENOENT;
        group += strlen("0::/");
        group[strcspn(group, "\n")] = 0;
        end = strstr(group, scope);
        if (!end)
                return -ENOENT;
        end[strlen(scope)] = 0;

        if (asprintf(&path, "/sys/fs/cgroup/%s", group) < 0)
                return -ENOMEM;
        r = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return r < 0 ? -errno : r;
}

/* Frozen or not, as the kernel says: PID 1 sends no signal for it, and its FreezerState of hundreds of scopes would be hundreds of calls. */
static bool scope_is_frozen(const char *name, pid_t leader) {
        _cleanup_close_ int dir = container_open_cgroup(name, leader);
        _cleanup_free_ char *events = NULL;

        return dir >= 0 && path_read(dir, "cgroup.events", 4096, &events, NULL) >= 0 && strstr(events, "frozen 1");
}

pid_t container_leader(Container *c) {
        RuntimeState s;

        if (c->unit_state != CONTAINER_RUNNING && c->unit_state != CONTAINER_STARTING && c->unit_state != CONTAINER_STOPPING)
                return 0;
        return runtime_state_read(c->name, &s) >= 0 ? s.leader : 0;
}

uint32_t container_uid_base(Container *c) {
        RuntimeState s;

        /* What it has while it runs may be a further range (IDMapSize=), or the host's ids. */
        return container_leader(c) > 0 && runtime_state_read(c->name, &s) >= 0 && (s.uid_base > 0 || s.privileged) ? s.uid_base : c->record.uid_base;
}

bool container_privileged(Container *c, bool others_name_it) {
        char drop_ins[sizeof BERTH_CONFIG_DIR "/containers/.conf.d" + CONTAINER_NAME_MAX];
        _cleanup_free_ char *sentence = NULL;
        _cleanup_(settings_freep) Settings *s = NULL;
        RuntimeState state;

        /* What it runs as, or what it would start as. Without settings that can be read it does not start. */
        if (container_leader(c) > 0 && runtime_state_read(c->name, &state) >= 0)
                return state.privileged;
        snprintf(drop_ins, sizeof drop_ins, BERTH_CONFIG_DIR "/containers/%s.conf.d", c->name);
        if (!others_name_it && !c->record.names_privileged && access(drop_ins, F_OK) < 0)
                return false;
        return settings_load(c->name, &s, &sentence) >= 0 && s->privileged;
}

ContainerState container_state(Container *c) {
        pid_t leader;

        if (c->unit_state != CONTAINER_RUNNING)
                return c->unit_state;
        leader = container_leader(c);
        return leader > 0 && scope_is_frozen(c->name, leader) ? CONTAINER_FROZEN : CONTAINER_RUNNING;
}

bool container_runs(Container *c) {
        return c->unit_state == CONTAINER_RUNNING;
}

int container_load(Container *c, int containers_fd) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (containers_fd < 0) {
                fd = store_open_containers();
                if (fd < 0)
                        return fd;
                containers_fd = fd;
        }
        r = store_read_container(containers_fd, c->name, &c->stamp, &c->record);
        if (r < 0 && !c->damaged)
                log_warning_errno(r, "The settings of container '%s' cannot be read: %m", c->name);
        if (r != 0)
                c->damaged = r < 0;
        return r;
}

void container_set_unit_state(Container *c, ContainerState state) {
        if (state == c->unit_state)
                return;
        c->unit_state = state;
        container_bus_changed(c, "State", "Leader", "UIDBase");
}

void container_set_run_in(Container *c, bool active) {
        if (c->run_in_active && !active)
                gate_wake(c->manager->gate, c->name);
        c->run_in_active = active;
}

void container_freezer_changed(Container *c) {
        if (c->unit_state == CONTAINER_RUNNING)
                container_bus_changed(c, "State", NULL, NULL);
}

int container_new_request(Container *c, Message **ret, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        if (c->deleting)
                return sd_bus_error_setf(error, BERTH_ERROR_BUSY, "Container '%s' is being deleted.", c->name);
        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "name", c->name);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(request);
        return 0;
}

int container_add_key(const Container *c, Message *request, int key_fd, sd_bus_error *error) {
        int r;

        r = c->record.encrypted ? message_add(request, "encrypted", "1") : 0;
        if (r < 0 || key_fd < 0)
                return r;
        r = fd_check(key_fd, error);
        if (r >= 0)
                r = message_addf(request, "key", "%zu", request->n_fds);
        return r < 0 ? r : message_add_fd(request, key_fd);
}

static bool is_wanted(const Container *c, bool by_hand) {
        static const char *const places[] = {
                "/etc/systemd/system/machines.target.wants",
                "/etc/systemd/system/multi-user.target.wants",
                "/run/systemd/system/machines.target.wants",
                "/run/systemd/system/multi-user.target.wants",
                "/run/systemd/generator/multi-user.target.wants", /* Autostart= */
        };
        _cleanup_free_ char *unit = NULL;

        if (container_unit(c->name, &unit) < 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(places) - by_hand; i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s/%s", places[i], unit) < 0)
                        return false;
                if (faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) >= 0)
                        return true;
        }
        return false;
}

bool container_enabled(Container *c) {
        return is_wanted(c, false);
}

bool container_enabled_by_hand(Container *c) {
        return is_wanted(c, true);
}

const char *container_operating_system(Container *c) {
        Image *i;

        if (isempty(c->record.image))
                return "";
        i = table_get(&c->manager->images, c->record.image);
        if (!i)
                return "";
        return !isempty(i->record.operating_system) ? i->record.operating_system : i->record.description ?: "";
}
