/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/plan.h"

#include <assert.h>
#include <sys/mount.h>

#include "basic/strv.h"
#include "launch/cloud-seed.h"
#include "launch/seccomp-policy.h"
#include "shared/names.h"

#define CREDENTIALS "/run/host/credentials"

static const char *const step_names[_PLAN_STEP_MAX] = {
        [PLAN_ROOT] = "root",           [PLAN_FILESYSTEM] = "filesystem", [PLAN_HOST_SYS] = "host-sys",   [PLAN_SECURITYFS] = "securityfs", [PLAN_DIRECTORY] = "directory", [PLAN_SYMLINK] = "symlink",
        [PLAN_FILE] = "file",           [PLAN_DEVICE] = "device",           [PLAN_CONSOLE] = "console",     [PLAN_NOTIFY] = "notify",
        [PLAN_MASK] = "mask",           [PLAN_READ_ONLY] = "read-only",     [PLAN_WRITABLE] = "writable",   [PLAN_BOOT_ID] = "boot-id",
        [PLAN_PERSONALISE] = "personalise", [PLAN_TEMPLATES] = "templates", [PLAN_WRITE] = "write",
        [PLAN_HOSTNAME] = "hostname",   [PLAN_LOOPBACK] = "loopback",       [PLAN_SCOPE] = "scope",         [PLAN_HOOK] = "hook",           [PLAN_CGROUP] = "cgroup",
        [PLAN_PIVOT] = "pivot",
};

const char *plan_step_type_to_string(PlanStepType t) {
        return t >= 0 && t < _PLAN_STEP_MAX ? step_names[t] : NULL;
}

PlanStepType plan_step_type_from_string(const char *s) {
        for (int i = 0; i < _PLAN_STEP_MAX; i++)
                if (streq(step_names[i], s))
                        return (PlanStepType) i;
        return _PLAN_STEP_INVALID;
}

#define SAFE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

typedef struct StaticStep {
        PlanStepType type;
        const char *target, *what, *options[4];
        unsigned attributes;
        mode_t mode;
} StaticStep;

/* The systemd container interface (CONTAINER_INTERFACE of systemd): /proc and a read-only /sys, a /dev of its own, /run with /run/host. */
static const StaticStep early_steps[] = {
        { PLAN_HOOK, .what = "pre-mount" },
        { PLAN_ROOT },
        { PLAN_FILESYSTEM, "/proc", "proc", {}, SAFE },
        /* Read-only /sys tells udev and others not to run here (systemd, CONTAINER_INTERFACE). */
        { PLAN_FILESYSTEM, "/sys", "sysfs", {}, SAFE | MOUNT_ATTR_RDONLY },
        { PLAN_SECURITYFS, "/sys/kernel/security" },

        { PLAN_FILESYSTEM, "/dev", "tmpfs", { "mode=0755", "size=4m", "nr_inodes=64k" }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME },
        { PLAN_DEVICE, "/dev/null", "null" },
        { PLAN_DEVICE, "/dev/zero", "zero" },
        { PLAN_DEVICE, "/dev/full", "full" },
        { PLAN_DEVICE, "/dev/random", "random" },
        { PLAN_DEVICE, "/dev/urandom", "urandom" },
        { PLAN_DEVICE, "/dev/tty", "tty" },
        { PLAN_SYMLINK, "/dev/fd", "/proc/self/fd" },
        { PLAN_SYMLINK, "/dev/stdin", "/proc/self/fd/0" },
        { PLAN_SYMLINK, "/dev/stdout", "/proc/self/fd/1" },
        { PLAN_SYMLINK, "/dev/stderr", "/proc/self/fd/2" },
        { PLAN_SYMLINK, "/dev/core", "/proc/kcore" },
        { PLAN_FILESYSTEM, "/dev/pts", "devpts", { "mode=0620", "ptmxmode=0666", "gid=5", "max=1024" }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC },
        { PLAN_SYMLINK, "/dev/ptmx", "pts/ptmx" },
        { PLAN_FILESYSTEM, "/dev/shm", "tmpfs", { "mode=1777" }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV },
        { PLAN_FILESYSTEM, "/dev/mqueue", "mqueue", {}, SAFE },
        { PLAN_CONSOLE, "/dev/console" },

        { PLAN_FILESYSTEM, "/run", "tmpfs", { "mode=0755", "size=20%", "nr_inodes=800k" }, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV },
        { PLAN_DIRECTORY, "/run/host", .mode = 0755 },
        { PLAN_NOTIFY, "/run/host/notify" },
        { PLAN_FILE, "/run/host/container-manager", "berth\n", .mode = 0444 },
};

/* In a user namespace of its own nobody gets a new /proc or /sys unless one is seen that nothing lies over (mnt_already_visible()), and over the
 * ones above lie the masks below. Root alone gets here. */
static const StaticStep nesting_steps[] = {
        { PLAN_DIRECTORY, "/dev/.berth", .mode = 0000 },
        { PLAN_FILESYSTEM, "/dev/.berth/proc", "proc", {}, SAFE },
        { PLAN_FILESYSTEM, "/dev/.berth/sys", "sysfs", {}, SAFE },
};

/* Files of the kernel's own that say something of the host, or that only the host's root may touch anyway. Inside a user namespace most
 * of them are closed by their owner; the masks keep them out of sight, too. */
static const StaticStep masks[] = {
        { PLAN_MASK, "/proc/kcore" },         { PLAN_MASK, "/proc/kallsyms" },      { PLAN_MASK, "/proc/keys" },
        { PLAN_MASK, "/proc/key-users" },     { PLAN_MASK, "/proc/kmsg" },          { PLAN_MASK, "/proc/kpagecgroup" },
        { PLAN_MASK, "/proc/kpagecount" },    { PLAN_MASK, "/proc/kpageflags" },    { PLAN_MASK, "/proc/sysrq-trigger" },
        { PLAN_MASK, "/proc/timer_list" },    { PLAN_MASK, "/proc/sched_debug" },   { PLAN_MASK, "/proc/latency_stats" },
        { PLAN_MASK, "/proc/acpi" },          { PLAN_MASK, "/proc/apm" },           { PLAN_MASK, "/proc/asound" },
        { PLAN_MASK, "/proc/scsi" },          { PLAN_MASK, "/proc/config.gz" },     { PLAN_MASK, "/proc/slabinfo" },
        { PLAN_MASK, "/proc/vmallocinfo" },   { PLAN_MASK, "/sys/firmware" },       { PLAN_MASK, "/sys/kernel/notes" },
        { PLAN_MASK, "/sys/devices/virtual/powercap" },
        { PLAN_READ_ONLY, "/proc/bus" },      { PLAN_READ_ONLY, "/proc/fs" },       { PLAN_READ_ONLY, "/proc/irq" },
        { PLAN_READ_ONLY, "/proc/mtrr" },     { PLAN_READ_ONLY, "/proc/interrupts" },
};

/* What a user namespace keeps from its root by who owns a file. Of /proc/sys only what is below net is the network namespace's; /sys is read-only
 * for all. fusectl, which systemd mounts where it sees a place for it, is one for the whole host. */
static const StaticStep privileged_masks[] = {
        { PLAN_READ_ONLY, "/proc/sys" }, { PLAN_WRITABLE, "/proc/sys/net" }, { PLAN_READ_ONLY, "/proc/driver" },
        { PLAN_MASK, "/proc/iomem" },    { PLAN_MASK, "/proc/ioports" },     { PLAN_MASK, "/sys/fs/fuse" },
        { PLAN_MASK, "/sys/kernel/debug" }, { PLAN_MASK, "/sys/kernel/tracing" }, { PLAN_MASK, "/sys/kernel/security" }, { PLAN_MASK, "/sys/kernel/config" },
        { PLAN_MASK, "/sys/fs/bpf" },    { PLAN_MASK, "/sys/fs/pstore" },
};

static const StaticStep late_steps[] = {
        /* journald(8) and others tell one boot of a machine from the next by it; the host's stays the same over all of them. */
        { PLAN_BOOT_ID, "/proc/sys/kernel/random/boot_id" },
        { PLAN_PERSONALISE },
        { PLAN_TEMPLATES },
};

static const StaticStep last_steps[] = {
        { PLAN_LOOPBACK },
        { PLAN_SCOPE },
        { PLAN_CGROUP, "/sys/fs/cgroup", .attributes = SAFE },
        { PLAN_HOOK, .what = "mount" },
        { PLAN_PIVOT },
};

static PlanStep *add_step(Plan *p, PlanStepType type, const char *target, const char *what) {
        PlanStep *steps, *s;

        steps = reallocarray(p->steps, p->n_steps + 1, sizeof *steps);
        if (!steps)
                return NULL;
        p->steps = steps;
        s = &steps[p->n_steps];
        *s = (PlanStep) { .type = type };
        p->n_steps++;

        if ((target && free_and_strdup(&s->target, target) < 0) || (what && free_and_strdup(&s->what, what) < 0))
                return NULL;
        return s;
}

static int add_static(Plan *p, const StaticStep *steps, size_t n) {
        int r;

        for (size_t i = 0; i < n; i++) {
                bool sys = p->host_network && streq_ptr(steps[i].what, "sysfs");
                PlanStep *s;

                if (p->host_network && steps[i].type == PLAN_LOOPBACK)
                        continue;
                s = add_step(p, sys ? PLAN_HOST_SYS : steps[i].type, steps[i].target, sys ? NULL : steps[i].what);
                if (!s)
                        return -ENOMEM;
                s->attributes = steps[i].attributes;
                s->mode = steps[i].mode;
                for (size_t j = 0; j < ELEMENTSOF(steps[i].options) && steps[i].options[j]; j++) {
                        r = strv_extend(&s->options, steps[i].options[j]);
                        if (r < 0)
                                return r;
                }
        }
        return 0;
}

static int add_file(Plan *p, const char *target, const char *content, mode_t mode) {
        PlanStep *s = add_step(p, PLAN_FILE, target, content);

        if (!s)
                return -ENOMEM;
        s->mode = mode;
        return 0;
}

static bool has_credential(char *const *credentials, const char *id, size_t n) {
        STRV_FOREACH(c, credentials)
                if (strncmp(*c, id, n) == 0 && (*c)[n] == ':')
                        return true;
        return false;
}

/* but: those that count more. */
static int add_credential_files(Plan *p, char *const *credentials, char *const *but) {
        int r = 0;

        STRV_FOREACH(c, credentials) {
                _cleanup_free_ char *target = NULL;
                const char *colon = strchr(*c, ':');

                if (r < 0 || !colon)
                        return r < 0 ? r : -EINVAL;
                if (has_credential(but, *c, (size_t) (colon - *c)))
                        continue;
                if (asprintf(&target, CREDENTIALS "/%.*s", (int) (colon - *c), *c) < 0)
                        return -ENOMEM;
                r = add_file(p, target, colon + 1, 0400);
        }
        return r;
}

static int add_credentials(Plan *p) {
        const Settings *settings = p->settings;
        PlanStep *s;
        int r;

        if (!settings->credentials && !settings->loaded_credentials)
                return 0;
        s = add_step(p, PLAN_DIRECTORY, CREDENTIALS, NULL);
        if (!s)
                return -ENOMEM;
        s->mode = 0700;
        r = add_credential_files(p, settings->credentials, settings->loaded_credentials);
        if (r >= 0)
                r = add_credential_files(p, settings->loaded_credentials, NULL);
        return r < 0 ? r : strv_extend(&p->environment, "CREDENTIALS_DIRECTORY=" CREDENTIALS);
}

static int add_cloud_seed(Plan *p) {
        CloudSeedFile files[CLOUD_SEED_FILES] = {};
        int r;

        r = cloud_seed_new(p->name, p->settings, files);
        for (size_t i = 0; r >= 0 && i < CLOUD_SEED_FILES; i++) {
                char target[sizeof CLOUD_SEED_DIRECTORY + 32];
                PlanStep *s;

                if (!files[i].text)
                        continue;
                snprintf(target, sizeof target, CLOUD_SEED_DIRECTORY "/%s", files[i].name);
                s = add_step(p, PLAN_WRITE, target, files[i].text);
                if (!s)
                        r = -ENOMEM;
                else
                        s->mode = 0600;
        }
        cloud_seed_done(files);
        return r;
}

static int add_environment(Plan *p) {
        static const char *const base[] = {
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "container=berth",
                "TERM=vt220",
                "NOTIFY_SOCKET=/run/host/notify",
                "HOME=/root",
                "USER=root",
                "LOGNAME=root",
        };
        int r;

        for (size_t i = 0; i < ELEMENTSOF(base); i++) {
                r = strv_extend(&p->environment, base[i]);
                if (r < 0)
                        return r;
        }
        if (p->settings->uuid) {
                r = strv_extendf(&p->environment, "container_uuid=%s", p->settings->uuid);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(e, p->settings->environment) {
                r = strv_extend(&p->environment, *e);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_identity(Plan *p) {
        _cleanup_free_ char *uuid_line = NULL;
        int r;

        if (p->settings->uuid) {
                if (asprintf(&uuid_line, "%s\n", p->settings->uuid) < 0)
                        return -ENOMEM;
                r = add_file(p, "/run/host/container-uuid", uuid_line, 0444);
                if (r < 0)
                        return r;
        }
        if (!add_step(p, PLAN_HOSTNAME, NULL, p->settings->hostname ?: p->name))
                return -ENOMEM;
        return add_credentials(p);
}

static int add_init(Plan *p) {
        /* The same places, in the same order, as the kernel and systemd-nspawn look for it. */
        static const char *const candidates[] = { "/usr/lib/systemd/systemd", "/lib/systemd/systemd", "/sbin/init", "/etc/init", "/bin/init", "/init" };
        int r;

        if (p->settings->init)
                return strv_copy(p->settings->init, &p->init);

        p->init_is_candidates = true;
        for (size_t i = 0; i < ELEMENTSOF(candidates); i++) {
                r = strv_extend(&p->init, candidates[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

int plan_new(const char *name, const Settings *settings, Plan **ret) {
        _cleanup_(plan_freep) Plan *p = NULL;
        int r;

        assert(name && settings);

        p = calloc(1, sizeof *p);
        if (!p)
                return -ENOMEM;
        p->settings = settings;
        p->host_network = devices_share_network(&settings->devices);
        r = free_and_strdup(&p->name, name);
        if (r >= 0)
                r = add_environment(p);
        if (r >= 0)
                r = add_init(p);
        if (r >= 0)
                r = add_static(p, early_steps, ELEMENTSOF(early_steps));
        if (r >= 0 && settings->nesting)
                r = add_static(p, nesting_steps, ELEMENTSOF(nesting_steps));
        if (r >= 0)
                r = add_identity(p);
        if (r >= 0)
                r = add_static(p, masks, ELEMENTSOF(masks));
        if (r >= 0 && settings->privileged)
                r = add_static(p, privileged_masks, ELEMENTSOF(privileged_masks));
        if (r >= 0)
                r = add_static(p, late_steps, ELEMENTSOF(late_steps));
        if (r >= 0)
                r = add_cloud_seed(p);
        if (r >= 0)
                r = add_static(p, last_steps, ELEMENTSOF(last_steps));
        if (r < 0)
                return r;

        *ret = TAKE_PTR(p);
        return 0;
}

Plan *plan_free(Plan *p) {
        if (!p)
                return NULL;
        for (size_t i = 0; i < p->n_steps; i++) {
                free(p->steps[i].target);
                free(p->steps[i].what);
                strv_free(p->steps[i].options);
        }
        free(p->steps);
        free(p->name);
        strv_free(p->environment);
        strv_free(p->init);
        free(p);
        return NULL;
}

static void print_seccomp(const Settings *s, FILE *f) {
        _cleanup_free_ char *text = NULL;

        if (seccomp_policy_is_default(s)) {
                fprintf(f, "seccomp %s\n", s->nesting ? SECCOMP_NESTING_PROGRAM : SECCOMP_DEFAULT_PROGRAM);
                return;
        }
        if (seccomp_policy_text(s, &text) < 0)
                return;
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
                if (*line)
                        fprintf(f, "seccomp %s\n", line);
}

void plan_print(const Plan *p, FILE *f) {
        const Settings *s = p->settings;
        _cleanup_free_ char *init = NULL;
        char slice[BERTH_SLICE_MAX];

        fprintf(f, "container %s\n", p->name);
        fprintf(f, "namespaces%s mount pid%s ipc uts cgroup\n", s->privileged ? "" : " user", p->host_network ? "" : " network");
        /* A further range is taken at the start (id-range.h). */
        if (s->privileged)
                fprintf(f, "privileged\n");
        else if (s->idmap_base == 0 && (unsigned) s->idmap_size > UID_RANGE_SIZE)
                fprintf(f, "uid-map 0 any %d\n", s->idmap_size);
        else
                fprintf(f, "uid-map 0 %u %u\n", s->idmap_base ? (unsigned) s->idmap_base : s->uid_base, MAX_OF((unsigned) s->idmap_size, UID_RANGE_SIZE));
        fprintf(f, "scope berth-%s.scope slice %s\n", p->name, container_slice(p->settings->slice, p->settings->owner, slice));
        for (size_t i = 0; i < s->n_unit_properties; i++)
                fprintf(f, "scope-property %s\n", s->unit_properties[i].name);
        for (size_t i = 0; i < p->n_steps; i++) {
                const PlanStep *step = &p->steps[i];

                fprintf(f, "%s", plan_step_type_to_string(step->type));
                if (step->target)
                        fprintf(f, " %s", step->target);
                /* A credential's content is nobody's business, and user data have passwords in them. */
                if (step->what && step->type != PLAN_WRITE && (step->type != PLAN_FILE || !startswith(step->target, CREDENTIALS "/")))
                        fprintf(f, " %.*s", (int) strcspn(step->what, "\n"), step->what);
                STRV_FOREACH(o, step->options)
                        fprintf(f, " %s", *o);
                fputc('\n', f);
        }
        for (size_t i = 0; i < s->devices.n; i++)
                fprintf(f, "give %s %s\n", device_type_to_string(device_type(&s->devices.items[i])), s->devices.items[i].name);
        fprintf(f, "capabilities %#llx\n", (unsigned long long) s->capabilities);
        print_seccomp(s, f);
        STRV_FOREACH(e, p->environment)
                fprintf(f, "environment %s\n", *e);
        if (strv_join(p->init, p->init_is_candidates ? " or " : " ", &init) >= 0)
                fprintf(f, "init %s%s\n", init, s->stub_init ? " (under a stub init)" : "");
}
