/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/process-limits.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "settings/table.h"

static const struct {
        const char *word;
        int value;
} policies[] = {
        { "other", SCHED_OTHER }, { "batch", SCHED_BATCH }, { "idle", SCHED_IDLE }, { "fifo", SCHED_FIFO }, { "rr", SCHED_RR },
}, classes[] = {
        { "none", IOPRIO_CLASS_NONE }, { "realtime", IOPRIO_CLASS_RT }, { "best-effort", IOPRIO_CLASS_BE }, { "idle", IOPRIO_CLASS_IDLE },
};

static bool has_policy(const Settings *s) {
        return s->cpu_policy && !streq(s->cpu_policy, "other");
}

static bool has_io_class(const Settings *s) {
        return s->io_class && !streq(s->io_class, "none");
}

static const char *rlimit_name(size_t resource) {
        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)
                if (t->offset == offsetof(Settings, rlimits) + resource * sizeof(SettingRlimit))
                        return t->name;
        return "a limit";
}

static int apply_rlimits(const Settings *s, pid_t pid, const char **ret_name) {
        for (size_t i = 0; i < RLIM_NLIMITS; i++) {
                const SettingRlimit *l = &s->rlimits[i];
                struct rlimit64 v = { .rlim_cur = l->soft, .rlim_max = l->hard };

                if (l->set && prlimit64(pid, (__rlimit_resource_t) i, &v, NULL) < 0) {
                        *ret_name = rlimit_name(i);
                        return -errno;
                }
        }
        return 0;
}

static int apply_oom_score(int score, pid_t pid) {
        char path[64], text[16];
        int fd, r;

        snprintf(path, sizeof path, pid == 0 ? "/proc/self/oom_score_adj" : "/proc/%d/oom_score_adj", (int) pid);
        snprintf(text, sizeof text, "%d", score);
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
        (void) close(fd);
        return r;
}

static int apply_policy(const Settings *s, pid_t pid) {
        struct sched_param p = { .sched_priority = s->cpu_priority };

        for (size_t i = 0; i < ELEMENTSOF(policies); i++)
                if (streq(policies[i].word, s->cpu_policy)) {
                        if (policies[i].value != SCHED_FIFO && policies[i].value != SCHED_RR)
                                p.sched_priority = 0;
                        return sched_setscheduler(pid, policies[i].value, &p) < 0 ? -errno : 0;
                }
        return -EINVAL;
}

static int apply_io_class(const Settings *s, pid_t pid) {
        for (size_t i = 0; i < ELEMENTSOF(classes); i++)
                if (streq(classes[i].word, s->io_class))
                        return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, pid, IOPRIO_PRIO_VALUE(classes[i].value, s->io_priority)) < 0 ? -errno : 0;
        return -EINVAL;
}

int limits_apply(const Settings *s, pid_t pid, const char **ret_name) {
        int r;

        r = apply_rlimits(s, pid, ret_name);
        if (r < 0)
                return r;
        if (s->oom_score_adjust != 0) {
                *ret_name = "OOMScoreAdjust";
                r = apply_oom_score(s->oom_score_adjust, pid);
        }
        if (r >= 0 && s->nice != 0) {
                *ret_name = "Nice";
                r = setpriority(PRIO_PROCESS, (id_t) pid, s->nice) < 0 ? -errno : 0;
        }
        if (r >= 0 && has_policy(s)) {
                *ret_name = "CPUSchedulingPolicy";
                r = apply_policy(s, pid);
        }
        if (r >= 0 && has_io_class(s)) {
                *ret_name = "IOSchedulingClass";
                r = apply_io_class(s, pid);
        }
        return r;
}

uint64_t limits_capabilities(const Settings *s) {
        uint64_t capabilities = 0;

        if (s->nice < 0 || has_policy(s))
                capabilities |= UINT64_C(1) << CAP_SYS_NICE;
        if (s->oom_score_adjust < 0)
                capabilities |= UINT64_C(1) << CAP_SYS_RESOURCE;
        for (size_t i = 0; i < RLIM_NLIMITS; i++) {
                struct rlimit64 own;

                /* The payload has been given more than the supervisor has: so must be the commands. */
                if (s->rlimits[i].set && getrlimit64((__rlimit_resource_t) i, &own) >= 0 && s->rlimits[i].hard > own.rlim_max)
                        capabilities |= UINT64_C(1) << CAP_SYS_RESOURCE;
        }
        return capabilities;
}
