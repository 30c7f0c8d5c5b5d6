/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/path.h"
#include "basic/strv.h"
#include "launch/seccomp-policy.h"
#include "launch/supervisor.h"
#include "shared/apparmor.h"

/* request=applied: what is really in force for the payload's PID 1, read from the kernel and not from what was asked for. The supervisor does
 * it, because by owning the user namespace it may look at what nobody else without privileges may. */

#define FILE_MAX (256U * 1024U)
#define MOUNTS_MAX 512U  /* a guest can make any number of them */
#define BYTES_MAX (96U * 1024U)
#define SECCOMP_LINES_MAX 2048U
#define APPARMOR_LINES_MAX 512U

static int read_proc(int proc, const char *name, char **ret) {
        _cleanup_close_ int fd = openat(proc, name, O_RDONLY | O_CLOEXEC);
        size_t size;

        return fd < 0 ? -errno : fd_read_string(fd, FILE_MAX, ret, &size);
}

/* Blanks become one. */
static void squeeze(char *s) {
        char *to = s;

        for (const char *p = s; *p; p++)
                if ((*p != ' ' && *p != '\t') || (to > s && to[-1] != ' '))
                        *to++ = *p == '\t' ? ' ' : *p;
        while (to > s && to[-1] == ' ')
                to--;
        *to = 0;
}

/* Text of the guest's own choice, such as the names of its mounts, goes on to people. */
static int add(Message *m, const char *key, const char *value) {
        _cleanup_free_ char *escaped = NULL;

        return string_escape(value, &escaped) < 0 ? -ENOMEM : message_add(m, key, escaped);
}

static int add_lines(Message *m, const char *key, char *text, unsigned max) {
        size_t bytes = 0;
        int r = 0;

        for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));) {
                if (!*line)
                        continue;
                squeeze(line);
                bytes += strlen(line);
                if (max-- == 0 || bytes > BYTES_MAX)
                        return message_add(m, key, "(and more)");
                r = add(m, key, line);
        }
        return r;
}

/* mountinfo, proc(5): what people look for is where, what, and how. */
static int add_mounts(Message *m, char *text) {
        unsigned n = 0;
        size_t bytes = 0;
        int r = 0;

        for (char *rest = text, *line; r >= 0 && (line = strsep(&rest, "\n"));) {
                char target[1024], options[512], type[64], source[512];
                const char *dash = strstr(line, " - ");
                _cleanup_free_ char *entry = NULL;

                if (!dash || sscanf(line, "%*s %*s %*s %*s %1023s %511s", target, options) != 2 || sscanf(dash + 3, "%63s %511s", type, source) != 2)
                        continue;
                if (asprintf(&entry, "%s %s %s %s", target, type, source, options) < 0)
                        return -ENOMEM;
                bytes += strlen(entry);
                if (n++ >= MOUNTS_MAX || bytes > BYTES_MAX)
                        return message_add(m, "mount", "(and more)");
                r = add(m, "mount", entry);
        }
        return r;
}

static int add_status(Message *m, char *text) {
        static const struct {
                const char *line, *key;
        } table[] = {
                { "CapBnd:", "capabilities" }, { "NoNewPrivs:", "no-new-privileges" }, { "Seccomp:", "seccomp-mode" }, { "Seccomp_filters:", "seccomp-filters" },
        };
        int r = 0;

        for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
                for (size_t i = 0; i < ELEMENTSOF(table) && r >= 0; i++)
                        if (startswith(line, table[i].line)) {
                                char *value = line + strlen(table[i].line);

                                squeeze(value);
                                r = message_add(m, table[i].key, value);
                        }
        return r;
}

static int add_limits(Message *m, char *text) {
        char *rest = text;

        (void) strsep(&rest, "\n"); /* the headings */
        return rest ? add_lines(m, "limit", rest, 32) : 0;
}

static int add_uid_map(Message *m, char *text) {
        return add_lines(m, "uid-map", text, 16);
}

static int add_gid_map(Message *m, char *text) {
        return add_lines(m, "gid-map", text, 16);
}

static int add_label(Message *m, char *text) {
        text[strcspn(text, "\n")] = 0;
        return add(m, "lsm-label", text);
}

static int add_cgroup(Message *m, char *text) {
        char *own = strstr(text, "0::");

        if (!own)
                return 0;
        own[strcspn(own, "\n")] = 0;
        return add(m, "cgroup", own + 3);
}

static int add_oom_score(Message *m, char *text) {
        return add_lines(m, "oom-score-adjust", text, 1);
}

int supervisor_applied(Supervisor *s, Message **ret) {
        static const struct {
                const char *file;
                int (*add)(Message *m, char *text);
        } files[] = {
                { "uid_map", add_uid_map }, { "gid_map", add_gid_map }, { "status", add_status },       { "attr/current", add_label },
                { "cgroup", add_cgroup },   { "limits", add_limits },   { "oom_score_adj", add_oom_score }, { "mountinfo", add_mounts },
        };
        _cleanup_(message_freep) Message *m = NULL;
        _cleanup_close_ int proc = -EBADF;
        char path[64];
        int r;

        snprintf(path, sizeof path, "/proc/%d", (int) s->payload.pid);
        proc = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0)
                return -errno;
        r = message_new(&m);
        if (r >= 0)
                r = message_add(m, "event", "done");
        if (r >= 0 && s->settings->privileged)
                r = message_add(m, "privileged", "yes");
        if (r >= 0)
                r = message_add(m, "seccomp-program", s->seccomp_path);
        if (r >= 0 && !seccomp_policy_is_default(s->settings)) {
                _cleanup_free_ char *text = NULL;

                r = seccomp_policy_text(s->settings, &text);
                if (r >= 0)
                        r = add_lines(m, "seccomp-policy", text, SECCOMP_LINES_MAX);
        }
        if (r >= 0 && s->profile_loaded) {
                _cleanup_free_ char *text = NULL;

                r = apparmor_profile_text(s->options->name, s->settings, &text);
                if (r >= 0)
                        r = add_lines(m, "apparmor-profile", text, APPARMOR_LINES_MAX);
        } else if (r >= 0 && !s->label)
                r = message_add(m, "apparmor-profile", s->settings->apparmor_profile ? "none, as AppArmorProfile= says" : "none: the kernel has no AppArmor, or it is not to be administrated here");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(files); i++) {
                _cleanup_free_ char *text = NULL;

                /* Not every kernel has them all. */
                if (read_proc(proc, files[i].file, &text) >= 0)
                        r = files[i].add(m, text);
        }
        if (r >= 0)
                *ret = TAKE_PTR(m);
        return r;
}
