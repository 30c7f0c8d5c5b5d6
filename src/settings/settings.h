/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "basic/macro.h"
#include "settings/device.h"
#include "settings/hook-type.h"

/* A container's settings: INI in the manner of unit files, described by one table (table.c) and merged from several files before
 * anybody acts on them. The result is one struct that does not change. No privileges, no bus.
 *
 * Files, later ones win key by key (an empty assignment clears a list), a device as a whole where they state its Type=:
 *   /etc/berth/container.conf.d/NN-*.conf          for all containers, over /usr/lib/berth/container.conf.d/
 *   /etc/berth/profiles/NAME.conf                  those that Profiles= names, in its order, over /usr/lib/berth/profiles/
 *   /var/lib/berth/containers/NAME/container.conf  the container's own, written by the API
 *   /etc/berth/containers/NAME.conf.d/NN-*.conf    the administrator's last word
 */

#define SETTINGS_FILE_SIZE_MAX (256U * 1024U)

#define LAYER_ID_LENGTH 32U /* lower-case hex, random */
#define LAYERS_MAX 33U      /* one to write and those below it; overlayfs reads a directory of each */
bool layer_id_valid(const char *id);

typedef enum NotifyReady {
        NOTIFY_READY_AUTO, /* wait for READY=1 when the payload is systemd */
        NOTIFY_READY_NO,
        NOTIFY_READY_YES,
        _NOTIFY_READY_MAX,
        _NOTIFY_READY_INVALID = -EINVAL,
} NotifyReady;

/* A property that goes onto the payload's scope as it is (systemd.resource-control(5)), decoded to what StartTransientUnit takes. */
typedef struct UnitProperty {
        const char *name;  /* the bus property's name, e.g. CPUQuotaPerSecUSec; static */
        const char *type;  /* D-Bus signature: "t" (most), "u" (percentages: MemoryMaxScale, …), "b", "s", "ay" (AllowedCPUs), "a(st)" (of disks),
                            * "a(iayu)" (addresses); static */
        uint64_t number;   /* t, u, b */
        uint8_t *bytes;    /* ay, owned */
        size_t n_bytes;
        char *text;        /* s, owned */
        char **list;       /* a(st): "/path number", a(iayu): "address/bits"; owned */
} UnitProperty;

typedef struct SettingRlimit {
        bool set;
        uint64_t soft, hard;      /* UINT64_MAX: RLIM_INFINITY */
} SettingRlimit;

typedef struct Settings {
        /* [Container]: who it is. Written when it is made; kept by berth, not by people. */
        char *image;              /* fingerprint */
        char *store;              /* NULL: the default one */
        char **layers;            /* topmost first: the one that is its own to write, then those that do not change any more */
        char *uuid;               /* 36 characters; the payload's container_uuid */
        char *architecture;
        char *description;
        char **profiles;
        char **metadata;          /* "key=value", of LXD's user.* */
        uint32_t uid_base;        /* 0: none leased yet */
        uid_t owner;
        uint64_t start_before_usec; /* 0: it waits for its first start */
        uint64_t created_usec;
        char *key_file;           /* of an encrypted one; NULL: somebody is asked */
        bool encrypted;
        bool ephemeral;
        bool protect_delete;
        uint64_t snapshot_expiry_usec; /* 0: never */
        char *snapshot_pattern;
        char *snapshot_schedule;  /* NULL: none */
        bool snapshot_stopped;    /* of one that does not run, too */

        /* [Exec]: the payload */
        char **init;              /* NULL: /sbin/init */
        bool one_shot;            /* the program is whatever is run in it first, and it ends with that */
        bool stub_init;           /* berth's own PID 1 runs init as PID 2, reaps, forwards signals */
        char **environment;       /* "KEY=value" */
        char **load_credentials;  /* "id:/path", or "id" */
        char **loaded_credentials; /* "id:value", which the supervisor has read of those; not a setting */
        char **credentials;       /* "id:value", systemd's ImportCredential world in the guest */
        char *hostname;           /* NULL: the container's name */
        char *working_directory;  /* of a single program; NULL: / */
        char *user;               /* of a single program; NULL: root */
        int kill_signal;          /* asks for a clean stop; 0: by the payload (SIGRTMIN+3 for systemd, SIGTERM for a program) */
        uint64_t timeout_stop_usec;
        NotifyReady notify_ready;
        SettingRlimit rlimits[RLIM_NLIMITS];
        int umask;
        int oom_score_adjust, nice, cpu_priority, io_priority;
        char *cpu_policy, *io_class; /* systemd's words */
        char *lxcfs;                 /* auto, yes, no */
        char *personality;        /* systemd's word, or "auto" */

        /* [Hooks] */
        char **hooks[_HOOK_TYPE_MAX]; /* command lines */
        uint64_t hook_timeout_usec;

        /* [Security] */
        uint64_t capabilities;    /* bounding set */
        bool no_new_privileges;
        bool nesting;             /* containers inside */
        bool privileged;          /* no user namespace of its own */
        char **kernel_modules;
        int idmap_size;           /* how many ids it has */
        int idmap_base;           /* the first of them on the host; 0: any */
        char *apparmor_profile;   /* NULL: the one that berth makes */
        char **raw_apparmor;      /* rules that it has on top */
        char **syscall_filter;    /* lists of names, as they were written */
        char **raw_seccomp;       /* lines of a policy; it stands in for the default one */
        char *syscall_policy;     /* "default", "allow", "deny": what holds of calls that the lists do not name */
        char *syscall_architectures; /* "all", "native" */
        bool intercept_mknod, intercept_mount, intercept_sysinfo;
        char **intercept_mount_types; /* file systems */

        /* [Resource]: on the scope */
        UnitProperty *unit_properties;
        size_t n_unit_properties;
        int inotify_instances_max, inotify_watches_max; /* 0: half of the host's */
        int namespaces_max;       /* of each kind */
        int cgroups_max, cgroup_depth_max;
        int network_priority;     /* of interfaces that say nothing themselves */
        char *slice;              /* of the scope; NULL: BERTH_SLICE */
        int cpu_count;            /* 0: as many as there are; chosen where the CPUs themselves are not */
        char *memory_enforce;     /* "soft": what is said of MemoryMax is given as MemoryHigh */

        /* [Unit]: on berth@NAME.service, through the generator: "After=postgresql.service" */
        char **unit_dependencies;
        /* [Service], and what else of [Unit] is not a list of units: "Service.Restart=no", in raw.unit "!Scope.Key=value" */
        char **unit_lines;
        bool autostart;
        int autostart_priority;
        uint64_t autostart_delay_usec;

        /* [Device NAME] */
        Devices devices;
} Settings;

Settings *settings_free(Settings *s);
DEFINE_CLEANUP(Settings *, settings_free)

typedef struct SettingsFile SettingsFile;

/* The merged settings of a container. On failure *ret_error is a sentence that names file, line and key (caller frees).
 * -ENOENT: no such container. -EBADMSG: a file has a mistake. */
int settings_load(const char *name, Settings **ret, char **ret_error);
/* Is there anything in them that PID 1 reads from unit files? */
bool settings_have_units(const Settings *s);
/* The same as settings_load() below another root directory, for tests and for the generator ("" is the real one). */
int settings_load_at(const char *root, const char *name, Settings **ret, char **ret_error);
/* The same with another container.conf than the one that is there. */
int settings_load_with(const char *name, const SettingsFile *own, Settings **ret, char **ret_error);

/* A container.conf that is being made or changed: keeps comments, order and unknown-to-nobody sections as they are. */
int settings_file_new(SettingsFile **ret);
int settings_file_parse(const char *file_name, const char *text, SettingsFile **ret, char **ret_error); /* syntax only */
SettingsFile *settings_file_free(SettingsFile *f);
DEFINE_CLEANUP(SettingsFile *, settings_file_free)
/* The same of bytes that come from anywhere: NUL bytes and more than SETTINGS_FILE_SIZE_MAX are -EBADMSG as all else. */
int settings_file_parse_data(const char *file_name, const void *data, size_t size, SettingsFile **ret, char **ret_error);
int settings_file_print(const SettingsFile *f, char **ret);

/* One assignment as people write it: key "MemoryMax", "Exec.Hostname", "Device.eth0.MTUBytes" or LXD's "limits.memory" and the value; or, with value NULL, a key that is
 * the whole of "MemoryMax=512M". Checked against the table, written in its normal form. An empty value writes an empty assignment, which resets
 * what files before this one say. -EINVAL with a sentence that names key and value; the file is then as before. */
int settings_file_set(SettingsFile *f, const char *key, const char *value, char **ret_error);
int settings_file_append(SettingsFile *f, const char *key, const char *value, char **ret_error); /* list keys: one more line */
int settings_file_unset(SettingsFile *f, const char *key, char **ret_error);
/* As it stands in the file; a list's assignments one a line. */
int settings_file_get(const SettingsFile *f, const char *key, char **ret_value, char **ret_error); /* -ENOENT: not set */

/* Checks every assignment of the file against the table. */
int settings_file_check(const SettingsFile *f, char **ret_error);

/* May somebody who is not an administrator set this key? (S100: one choke point.) -EINVAL: no such key. */
int settings_key_is_owner_settable(const char *key);
/* The same of an assignment, "Device.eth0.Parent=br0" for example, where it may depend on the value; NULL: to be taken back. */
int settings_assignment_is_owner_settable(const char *key, const char *value);
/* Keys of [Container] but Description= are berth's own: settable only through settings_file_set_internal(). */
int settings_file_set_internal(SettingsFile *f, const char *key, const char *value);

/* Is it one of berth's own? */
bool settings_key_is_ruled(const char *key); /* SETTING_RULED */
bool settings_key_is_internal(const char *key);
/* The same of an assignment that stands in a file. 0 also for what is nobody's key. */
int settings_line_is_owner_settable(const char *section, const char *key, const char *value);

/* Keys, "Section.Key", whose assignments are others in b than in a. */
int settings_file_changed_keys(const SettingsFile *a, const SettingsFile *b, char ***ret);

/* Prints the merged result, one "Section.Key=value  # file:line" a line, or without the source. */
int settings_print_effective(const char *name, FILE *f, bool with_source, char **ret_error);

/* Help: every key with type, when it takes effect, who may set it, LXD's name, one line. */
void settings_print_help(FILE *f);
