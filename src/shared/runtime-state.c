/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/runtime-state.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"

static int open_runtime_directory(const char *name) {
        _cleanup_free_ char *path = NULL;
        int fd;

        if (asprintf(&path, BERTH_RUNTIME_DIR "/%s", name) < 0)
                return -ENOMEM;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int runtime_state_write(const char *name, const RuntimeState *s) {
        _cleanup_close_ int dir = -EBADF;
        char text[256];
        int n;

        dir = open_runtime_directory(name);
        if (dir < 0)
                return dir;
        n = snprintf(text, sizeof text, "LEADER=%d\nUID_BASE=%u\nPRIVILEGED=%d\nSTARTED_USEC=%llu\nREADY=%d\n",
                     (int) s->leader, s->uid_base, s->privileged, (unsigned long long) s->started_usec, s->ready);
        return path_write_atomic(dir, "state", text, (size_t) n, 0600);
}

int runtime_state_read(const char *name, RuntimeState *ret) {
        _cleanup_close_ int dir = -EBADF;
        _cleanup_free_ char *text = NULL;
        RuntimeState s = {};
        char *line, *rest;
        uint64_t v;
        int r;

        dir = open_runtime_directory(name);
        if (dir < 0)
                return dir;
        r = path_read(dir, "state", 4096, &text, NULL);
        if (r < 0)
                return r;

        for (rest = text; (line = strsep(&rest, "\n"));) {
                char *value = strchr(line, '=');

                if (!value)
                        continue;
                *value++ = 0;
                if (parse_u64(value, UINT64_MAX, &v) < 0)
                        return -EBADMSG;
                if (streq(line, "LEADER"))
                        s.leader = (pid_t) v;
                else if (streq(line, "UID_BASE"))
                        s.uid_base = (uint32_t) v;
                else if (streq(line, "PRIVILEGED"))
                        s.privileged = v;
                else if (streq(line, "STARTED_USEC"))
                        s.started_usec = v;
                else if (streq(line, "READY"))
                        s.ready = v;
        }
        if (s.leader <= 1)
                return -EBADMSG;
        *ret = s;
        return 0;
}

static int list_write(const char *name, const char *file, char *const *list) {
        _cleanup_close_ int dir = -EBADF;
        _cleanup_free_ char *text = NULL;
        int r;

        dir = open_runtime_directory(name);
        if (dir < 0)
                return dir;
        r = strv_join(list, "\n", &text);
        return r < 0 ? r : path_write_atomic(dir, file, text, strlen(text), 0600);
}

static int list_read(const char *name, const char *file, char ***ret) {
        _cleanup_close_ int dir = -EBADF;
        _cleanup_free_ char *text = NULL;
        _cleanup_strv_ char **list = NULL;
        char *line, *rest;
        int r;

        dir = open_runtime_directory(name);
        if (dir < 0)
                return dir;
        r = path_read(dir, file, 65536, &text, NULL);
        if (r < 0)
                return r;
        for (rest = text; (line = strsep(&rest, "\n"));) {
                r = *line ? strv_extend(&list, line) : 0;
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(list);
        return 0;
}

int runtime_devices_write(const char *name, char *const *devices) {
        return list_write(name, "devices", devices);
}

int runtime_devices_read(const char *name, char ***ret) {
        return list_read(name, "devices", ret);
}

int runtime_interfaces_write(const char *name, char *const *interfaces) {
        return list_write(name, "interfaces", interfaces);
}

int runtime_interfaces_read(const char *name, char ***ret) {
        return list_read(name, "interfaces", ret);
}

int runtime_control_path(const char *name, char **ret) {
        return asprintf(ret, BERTH_RUNTIME_DIR "/%s/control", name) < 0 ? -ENOMEM : 0;
}
