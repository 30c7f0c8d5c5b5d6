/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "basic/strv.h"
#include "settings/ini.h"
#include "settings/lxd.h"
#include "settings/quote.h"

#define OWN(key, type_, field, when_, who_, help_)                                                                                              \
        { .section = "Container", .name = #key, .type = &setting_type_##type_, .offset = offsetof(Settings, field), .when = SETTING_##when_,    \
          .who = SETTING_##who_, .max = UINT64_MAX, .help = help_ }
#define ROW(section_, key, lxd_, type_, field, when_, who_, fallback_, help_)                                                                   \
        { .section = #section_, .name = #key, .lxd = lxd_, .type = &setting_type_##type_, .offset = offsetof(Settings, field),                  \
          .when = SETTING_##when_, .who = SETTING_##who_, .fallback = fallback_, .help = help_ }
#define HOOK(key, hook, who_, help_)                                                                                                            \
        { .section = "Hooks", .name = #key, .type = &setting_type_hook, .offset = offsetof(Settings, hooks[hook]), .when = SETTING_NEXT_START,  \
          .who = SETTING_##who_, .help = help_ }
#define RESOURCE(key, lxd_, type_, property_, scale, max_, usual_, who_, help_)                                                                      \
        { .section = "Resource", .name = #key, .lxd = lxd_, .type = &setting_type_##type_, .offset = offsetof(Settings, unit_properties),       \
          .property = property_, .property_scale = scale, .max = max_, .usual = usual_, .when = SETTING_LIVE, .who = SETTING_##who_,             \
          .help = help_ }
#define WORD(key, property_, choices_, when_, who_, help_)                                                                                      \
        { .section = "Resource", .name = #key, .type = &setting_type_property_choice, .offset = offsetof(Settings, unit_properties),            \
          .property = property_, .choices = choices_, .usual_word = "auto", .example = "kill", .when = SETTING_##when_, .who = SETTING_##who_, .help = help_ }
#define NUMBER(section_, key, lxd_, field, min_, max_, when_, who_, fallback_, help_)                                                           \
        { .section = #section_, .name = #key, .lxd = lxd_, .type = &setting_type_integer, .offset = offsetof(Settings, field), .min = min_,     \
          .max = max_, .when = SETTING_##when_, .who = SETTING_##who_, .fallback = fallback_, .help = help_ }
#define CHOICE(section_, key, field, choices_, example_, when_, who_, fallback_, help_)                                                         \
        { .section = #section_, .name = #key, .type = &setting_type_choice, .offset = offsetof(Settings, field), .choices = choices_,           \
          .example = example_, .when = SETTING_##when_, .who = SETTING_##who_, .fallback = fallback_, .help = help_ }
#define RLIMIT(key, lxd_, type_, resource, max_, who_, help_)                                                                                   \
        { .section = "Exec", .name = #key, .lxd = lxd_, .type = &setting_type_##type_, .offset = offsetof(Settings, rlimits[resource]),         \
          .max = max_, .when = SETTING_NEXT_START, .who = SETTING_##who_, .help = help_ }
#define LINE(section_, key, lxd_, type_, property_, max_, choices_, help_)                                                                      \
        { .section = #section_, .name = #key, .lxd = lxd_, .type = &setting_type_##type_, .offset = offsetof(Settings, unit_lines),             \
          .property = property_, .max = max_, .choices = choices_, .example = choices_ ? "on-failure" : NULL, .when = SETTING_NEXT_START,       \
          .who = SETTING_ADMIN, .help = help_ }
#define UNIT(key, type_, help_)                                                                                                                 \
        { .section = "Unit", .name = #key, .type = &setting_type_##type_, .offset = offsetof(Settings, unit_dependencies),                      \
          .when = SETTING_NEXT_START, .who = SETTING_ADMIN, .help = help_ }

/* What systemd-nspawn(1) retains, and NET_ADMIN because the network namespace is the container's own; without AUDIT_CONTROL, LEASE,
 * LINUX_IMMUTABLE and SYS_TTY_CONFIG, which the kernel asks for in the initial user namespace only, so that they are worth nothing to a
 * container. MKNOD and AUDIT_WRITE are worth as little, but container engines inside refuse to work without them. */
#define CAPABILITIES_DEFAULT                                                                                                                    \
        "CAP_AUDIT_WRITE CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_IPC_OWNER CAP_KILL CAP_MKNOD CAP_NET_ADMIN "  \
        "CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_RAW CAP_SETFCAP CAP_SETGID CAP_SETPCAP CAP_SETUID CAP_SYS_ADMIN CAP_SYS_BOOT "          \
        "CAP_SYS_CHROOT CAP_SYS_NICE CAP_SYS_PTRACE CAP_SYS_RESOURCE"

/* By section, then by name. Limits of cgroups are the owner's to set: an owner's slice, above, is what bounds the owner. */
const Setting settings_table[] = {
        OWN(Architecture, identifier, architecture, INTERNAL, BERTH, "Architecture of the image, in Debian's or LXD's spelling"),
        OWN(CreatedUSec, u64, created_usec, INTERNAL, BERTH, "When it was created, in microseconds since 1970"),
        OWN(Description, string, description, LIVE, OWNER, "A line of text for people"),
        OWN(Encrypted, bool, encrypted, INTERNAL, BERTH, "What it writes is encrypted on the disk, and it needs a key to start"),
        OWN(Ephemeral, bool, ephemeral, CREATE_ONLY, BERTH, "Deleted when it stops"),
        OWN(Image, fingerprint, image, INTERNAL, BERTH, "Fingerprint of the image it was created from"),
        ROW(Container, KeyFile, NULL, path, key_file, NEXT_START, ADMIN, NULL,
            "File of the host, readable by root alone, that holds the key of an encrypted container, for whom nobody is to be asked"),
        OWN(Layers, layers, layers, INTERNAL, BERTH, "What it has written, and below it what is kept as it was, on top of the image"),
        ROW(Container, Metadata, "user.*", metadata, metadata, LIVE, OWNER, NULL, "Free keys with values, of whoever wants to keep some"),
        OWN(Owner, u32, owner, INTERNAL, BERTH, "User id of who owns it"),
        ROW(Container, Profiles, NULL, profiles, profiles, LIVE, OWNER, NULL,
            "Profiles that it uses, in the order in which they count; what it says itself counts more"),
        ROW(Container, ProtectDelete, "security.protection.delete", bool, protect_delete, LIVE, OWNER, "no", "Nobody deletes it before this is unset"),
        ROW(Container, SnapshotExpiry, "snapshots.expiry", time_span, snapshot_expiry_usec, LIVE, OWNER, "0",
            "How long a snapshot is kept that says nothing else; 0: until somebody deletes it"),
        ROW(Container, SnapshotPattern, NULL, snapshot_pattern, snapshot_pattern, LIVE, OWNER, "snap%i",
            "The name of a snapshot that is given none: %Y %m %d %H %M %S are of the time, %i is the next number"),
        ROW(Container, SnapshotSchedule, NULL, calendar, snapshot_schedule, LIVE, OWNER, NULL,
            "When snapshots are taken of it; empty: when somebody does. It becomes berth-snapshot@NAME.timer"),
        ROW(Container, SnapshotStopped, "snapshots.schedule.stopped", bool, snapshot_stopped, LIVE, OWNER, "no",
            "Whether the schedule counts while it does not run, too"),
        OWN(StartBeforeUSec, u64, start_before_usec, INTERNAL, BERTH, "When an ephemeral one that has not been started is deleted, as CreatedUSec="),
        OWN(Store, identifier, store, INTERNAL, BERTH, "Where what it writes is kept, when that is not the default store"),
        OWN(UIDBase, u32, uid_base, INTERNAL, BERTH, "First of the 65536 host user ids that are its own"),
        OWN(UUID, uuid, uuid, INTERNAL, BERTH, "Its identity, passed to the payload as container_uuid"),

        CHOICE(Exec, CPUSchedulingPolicy, cpu_policy, "other batch idle fifo rr", "batch", NEXT_START, ADMIN, "other", "How its processes are scheduled"),
        NUMBER(Exec, CPUSchedulingPriority, NULL, cpu_priority, 0, 99, NEXT_START, ADMIN, "0", "With the policies fifo and rr, from 1 on"),
        ROW(Exec, Environment, "environment.*", environment, environment, NEXT_START, OWNER, NULL, "Environment variables of the payload"),
        ROW(Exec, Hostname, NULL, hostname, hostname, NEXT_START, OWNER, NULL, "Host name; empty: the container's name"),
        CHOICE(Exec, IOSchedulingClass, io_class, "none realtime best-effort idle", "idle", NEXT_START, ADMIN, "none", "How its disk accesses are scheduled"),
        NUMBER(Exec, IOSchedulingPriority, NULL, io_priority, 0, 7, NEXT_START, ADMIN, "4", "0 comes first"),
        ROW(Exec, Init, NULL, command, init, NEXT_START, OWNER, NULL, "Command line of the payload; empty: /sbin/init"),
        ROW(Exec, KillSignal, NULL, signal, kill_signal, NEXT_START, OWNER, NULL,
            "Asks the payload for a clean stop; empty: chosen by the payload, SIGRTMIN+3 for systemd, SIGTERM for a program"),
        RLIMIT(LimitAS, "limits.kernel.as", rlimit_size, RLIMIT_AS, 0, OWNER, "Address space of a process"),
        RLIMIT(LimitCORE, "limits.kernel.core", rlimit_size, RLIMIT_CORE, 0, OWNER, "Size of a core dump"),
        RLIMIT(LimitCPU, "limits.kernel.cpu", rlimit_seconds, RLIMIT_CPU, 0, OWNER, "CPU time of a process"),
        RLIMIT(LimitDATA, "limits.kernel.data", rlimit_size, RLIMIT_DATA, 0, OWNER, "Data segment of a process"),
        RLIMIT(LimitFSIZE, "limits.kernel.fsize", rlimit_size, RLIMIT_FSIZE, 0, OWNER, "Size of a file that a process writes"),
        RLIMIT(LimitLOCKS, "limits.kernel.locks", rlimit, RLIMIT_LOCKS, 0, OWNER, "File locks of a process"),
        RLIMIT(LimitMEMLOCK, "limits.kernel.memlock", rlimit_size, RLIMIT_MEMLOCK, 0, ADMIN, "Memory that cannot be swapped out"),
        RLIMIT(LimitMSGQUEUE, "limits.kernel.msgqueue", rlimit_size, RLIMIT_MSGQUEUE, 0, ADMIN, "Bytes in POSIX message queues of a user; no more for all of it; empty: half of the host's"),
        RLIMIT(LimitNICE, "limits.kernel.nice", rlimit, RLIMIT_NICE, 40, ADMIN, "Nice level that a process may give itself, as 20 minus it"),
        RLIMIT(LimitNOFILE, "limits.kernel.nofile", rlimit, RLIMIT_NOFILE, 1073741816, OWNER, "Open files of a process"),
        RLIMIT(LimitNPROC, "limits.kernel.nproc", rlimit, RLIMIT_NPROC, 0, OWNER, "Processes of a user"),
        RLIMIT(LimitRSS, "limits.kernel.rss", rlimit_size, RLIMIT_RSS, 0, OWNER, "Memory of a process; Linux does not look at it"),
        RLIMIT(LimitRTPRIO, "limits.kernel.rtprio", rlimit, RLIMIT_RTPRIO, 99, ADMIN, "Realtime priority that a process may give itself"),
        RLIMIT(LimitRTTIME, "limits.kernel.rttime", rlimit_usec, RLIMIT_RTTIME, 0, OWNER, "CPU time of a realtime process without a pause"),
        RLIMIT(LimitSIGPENDING, "limits.kernel.sigpending", rlimit, RLIMIT_SIGPENDING, 0, ADMIN, "Signals that wait for a user's processes; no more for all of it; empty: half of the host's"),
        RLIMIT(LimitSTACK, "limits.kernel.stack", rlimit_size, RLIMIT_STACK, 0, OWNER, "Stack of a process"),
        ROW(Exec, LoadCredential, NULL, load_credentials, load_credentials, NEXT_START, ADMIN, NULL,
            "Credentials that are read from files of the host at each start, ID:PATH; without a path from the host's credential store"),
        CHOICE(Exec, Lxcfs, lxcfs, "auto yes no", "no", NEXT_START, OWNER, "auto",
               "Whether files of /proc tell its limits, by the host's lxcfs; auto: when the host runs it; yes: no start without"),
        NUMBER(Exec, Nice, NULL, nice, -20, 19, NEXT_START, ADMIN, "0", "The nice level its processes begin with"),
        ROW(Exec, NotifyReady, NULL, notify_ready, notify_ready, NEXT_START, OWNER, "auto",
            "Whether a start waits for READY=1 of the payload; auto: when it is systemd"),
        NUMBER(Exec, OOMScoreAdjust, NULL, oom_score_adjust, -1000, 1000, NEXT_START, ADMIN, "0", "How soon its processes are killed when the host has no memory; -1000: never"),
        ROW(Exec, OneShot, NULL, bool, one_shot, NEXT_START, OWNER, "no",
            "Init= is not run: the container waits for a command (berthctl exec), and ends with it"),
        CHOICE(Exec, Personality, personality, "auto x86 x86-64 arm arm64 ppc ppc-le ppc64 ppc64-le s390 s390x", "x86", NEXT_START, OWNER, "auto",
               "The machine that uname(2) shows, one that the host's kernel can be; auto: the one that its image is made for"),
        ROW(Exec, SetCredential, NULL, credentials, credentials, NEXT_START, OWNER, NULL, "Credentials that the payload may import, see systemd.exec(5)"),
        ROW(Exec, StubInit, NULL, bool, stub_init, NEXT_START, OWNER, "no",
            "Run Init= as PID 2 below berth's own small PID 1, which reaps and forwards signals"),
        ROW(Exec, TimeoutStopSec, "boot.host_shutdown_timeout", time_span, timeout_stop_usec, NEXT_START, OWNER, "1min 30s",
            "How long a clean stop may take before the payload is killed"),
        ROW(Exec, UMask, NULL, mask, umask, NEXT_START, OWNER, "0022", "File mode mask that its processes begin with"),
        ROW(Exec, User, NULL, user, user, NEXT_START, OWNER, NULL, "User of a single program, resolved inside; empty: root"),
        ROW(Exec, WorkingDirectory, NULL, path, working_directory, NEXT_START, OWNER, NULL, "Working directory of a single program; empty: /"),

        HOOK(HookClone, HOOK_CLONE, ADMIN, "Runs on the host when the container has been made as a copy of another"),
        HOOK(HookDelete, HOOK_DELETE, ADMIN, "Runs on the host before the container is deleted"),
        HOOK(HookMount, HOOK_MOUNT, ADMIN, "Runs in the container's mount namespace, as root of the host, when its root is put together"),
        HOOK(HookPostStop, HOOK_POST_STOP, ADMIN, "Runs on the host when the container has stopped"),
        HOOK(HookPreMount, HOOK_PRE_MOUNT, ADMIN, "Runs in the container's mount namespace, as root of the host, before its root is there"),
        HOOK(HookPreStart, HOOK_PRE_START, ADMIN, "Runs on the host before the container starts"),
        HOOK(HookStart, HOOK_START, OWNER, "Runs in the container, confined as the payload, before the payload"),
        HOOK(HookStartHost, HOOK_START_HOST, ADMIN, "Runs on the host when all is ready, before the payload"),
        HOOK(HookStop, HOOK_STOP, ADMIN, "Runs on the host before the payload is asked to stop"),
        ROW(Hooks, HookTimeoutSec, NULL, time_span, hook_timeout_usec, NEXT_START, ADMIN, "30s", "How long a hook may run before it is killed and has failed"),

        RESOURCE(AllowedCPUs, NULL, bits, "AllowedCPUs", NULL, 8191, 0, OWNER, "The CPUs it may run on"),
        RESOURCE(AllowedMemoryNodes, NULL, bits, "AllowedMemoryNodes", NULL, 1023, 0, OWNER, "The NUMA nodes it may take memory from"),
        NUMBER(Resource, CPUCount, NULL, cpu_count, 1, 8192, LIVE, OWNER, NULL,
               "How many CPUs it may run on; which ones is chosen by its uid range, where AllowedCPUs= does not say it"),
        RESOURCE(CPUQuota, NULL, quota, "CPUQuotaPerSecUSec", NULL, 8192 * 10000, USEC_INFINITY, OWNER, "CPU time it may use, of one CPU: 200% is two CPUs' worth"),
        RESOURCE(CPUQuotaPeriodSec, NULL, period, "CPUQuotaPeriodUSec", NULL, 0, USEC_INFINITY, OWNER, "In what time CPUQuota= is dealt out; 100ms is normal"),
        RESOURCE(CPUWeight, NULL, cpu_weight, "CPUWeight", NULL, 10000, UINT64_MAX, OWNER, "Its share of CPU time where CPUs are short; 100 is normal"),
        NUMBER(Resource, CgroupDepthMax, NULL, cgroup_depth_max, 1, INT32_MAX, NEXT_START, ADMIN, "64", "How deep it may nest cgroups"),
        NUMBER(Resource, CgroupsMax, NULL, cgroups_max, 1, INT32_MAX, NEXT_START, ADMIN, "8192", "How many cgroups it may have; they are memory of the kernel's"),
        RESOURCE(IOAccounting, NULL, property_bool, "IOAccounting", NULL, 0, 0, OWNER, "Count what it reads and writes"),
        RESOURCE(IODeviceLatencyTargetSec, NULL, disk_latency, "IODeviceLatencyTargetUSec", NULL, 0, 0, ADMIN, "Disks that shall answer it in this time"),
        RESOURCE(IODeviceWeight, NULL, disk_weight, "IODeviceWeight", NULL, 10000, 0, ADMIN, "Its share of the throughput of single disks"),
        RESOURCE(IOReadBandwidthMax, NULL, disk_rate, "IOReadBandwidthMax", NULL, 0, 0, ADMIN, "Bytes a second it may read from disks"),
        RESOURCE(IOReadIOPSMax, NULL, disk_rate, "IOReadIOPSMax", NULL, 0, 0, ADMIN, "Reads a second from disks"),
        RESOURCE(IOWeight, NULL, weight, "IOWeight", NULL, 10000, UINT64_MAX, OWNER, "Its share of disk throughput; 100 is normal"),
        RESOURCE(IOWriteBandwidthMax, NULL, disk_rate, "IOWriteBandwidthMax", NULL, 0, 0, ADMIN, "Bytes a second it may write to disks"),
        RESOURCE(IOWriteIOPSMax, NULL, disk_rate, "IOWriteIOPSMax", NULL, 0, 0, ADMIN, "Writes a second to disks"),
        RESOURCE(IPAccounting, NULL, property_bool, "IPAccounting", NULL, 0, 0, OWNER, "Count what it sends and receives"),
        RESOURCE(IPAddressAllow, NULL, addresses, "IPAddressAllow", NULL, 0, 0, OWNER, "Addresses it may speak with although IPAddressDeny= has them"),
        RESOURCE(IPAddressDeny, NULL, addresses, "IPAddressDeny", NULL, 0, 0, OWNER, "Addresses it may not speak with"),
        NUMBER(Resource, InotifyInstancesMax, NULL, inotify_instances_max, 1, INT32_MAX, NEXT_START, ADMIN, NULL,
               "Inotify instances that all of it may have, and as many fanotify groups; empty: half of what the host has for all, fs.inotify.max_user_instances"),
        NUMBER(Resource, InotifyWatchesMax, NULL, inotify_watches_max, 1, INT32_MAX, NEXT_START, ADMIN, NULL,
               "Files that all of it may watch by inotify, and by fanotify; empty: half of what the host has for all, fs.inotify.max_user_watches"),
        WORD(ManagedOOMMemoryPressure, "ManagedOOMMemoryPressure", "auto kill", LIVE, OWNER, "Whether systemd-oomd kills it when it waits for memory too long"),
        RESOURCE(ManagedOOMMemoryPressureLimit, NULL, pressure, "ManagedOOMMemoryPressureLimit", NULL, 0, 0, OWNER, "From which memory pressure on"),
        { .section = "Resource", .name = "ManagedOOMPreference", .type = &setting_type_property_choice, .offset = offsetof(Settings, unit_properties),
          .property = "ManagedOOMPreference", .choices = "none avoid omit", .usual_word = "none", .example = "avoid", .when = SETTING_NEXT_START, .who = SETTING_ADMIN,
          .help = "Whether systemd-oomd takes others first" },
        WORD(ManagedOOMSwap, "ManagedOOMSwap", "auto kill", LIVE, OWNER, "Whether systemd-oomd kills it when swap runs out"),
        CHOICE(Resource, MemoryEnforce, memory_enforce, "hard soft", "soft", LIVE, OWNER, "hard",
               "soft: MemoryMax= slows and reclaims, as MemoryHigh=, instead of killing"),
        RESOURCE(MemoryHigh, NULL, memory, "MemoryHigh", "MemoryHighScale", UINT64_MAX, UINT64_MAX, OWNER, "Memory beyond which it is slowed and reclaimed from"),
        RESOURCE(MemoryLow, NULL, memory, "MemoryLow", "MemoryLowScale", UINT64_MAX, 0, ADMIN, "Memory that is left to it as long as others have some to give"),
        RESOURCE(MemoryMax, "limits.memory", memory, "MemoryMax", "MemoryMaxScale", UINT64_MAX, UINT64_MAX, OWNER, "Memory it may use at the most"),
        RESOURCE(MemoryMin, NULL, memory, "MemoryMin", "MemoryMinScale", UINT64_MAX, 0, ADMIN, "Memory that is never taken from it"),
        RESOURCE(MemorySwapMax, NULL, memory, "MemorySwapMax", "MemorySwapMaxScale", UINT64_MAX, UINT64_MAX, OWNER,
                 "Swap it may use at the most"),
        RESOURCE(MemoryZSwapMax, NULL, memory, "MemoryZSwapMax", NULL, UINT64_MAX, UINT64_MAX, OWNER, "Compressed swap it may use at the most; systemd 253 or newer"),
        RESOURCE(MemoryZSwapWriteback, NULL, property_bool, "MemoryZSwapWriteback", NULL, 0, 0, OWNER,
                 "Whether compressed swap that is full goes on to the disk; systemd 256 or newer"),
        { .section = "Resource", .name = "NamespacesMax", .type = &setting_type_integer, .offset = offsetof(Settings, namespaces_max), .min = 16, .max = INT32_MAX,
          .example = "100", .when = SETTING_NEXT_START, .who = SETTING_ADMIN, .fallback = "2048",
          .help = "Namespaces of each kind that all of it may have; the host has user.max_mnt_namespaces and so on for all" },
        NUMBER(Resource, NetworkPriority, "limits.network.priority", network_priority, 0, 10, LIVE, ADMIN, "0",
               "From 1 on its packets are sent first where the host's interfaces have queues; 0: like those of others"),
        WORD(OOMPolicy, "OOMPolicy", "continue stop kill", NEXT_START, OWNER, "What becomes of all of it when a process is killed for memory; systemd 253 or newer"),
        ROW(Resource, Slice, NULL, slice, slice, NEXT_START, ADMIN, NULL, "The slice that its scope is put into; empty: machine-berth.slice"),
        RESOURCE(StartupAllowedCPUs, NULL, bits, "StartupAllowedCPUs", NULL, 8191, 0, OWNER, "AllowedCPUs= while the host starts and stops"),
        RESOURCE(StartupAllowedMemoryNodes, NULL, bits, "StartupAllowedMemoryNodes", NULL, 1023, 0, OWNER, "AllowedMemoryNodes= while the host starts and stops"),
        RESOURCE(StartupCPUWeight, NULL, cpu_weight, "StartupCPUWeight", NULL, 10000, UINT64_MAX, OWNER, "CPUWeight= while the host starts and stops"),
        RESOURCE(StartupIOWeight, NULL, weight, "StartupIOWeight", NULL, 10000, UINT64_MAX, OWNER, "IOWeight= while the host starts and stops"),
        RESOURCE(StartupMemoryHigh, NULL, memory, "StartupMemoryHigh", NULL, UINT64_MAX, UINT64_MAX, OWNER,
                 "MemoryHigh= while the host starts and stops; systemd 254 or newer"),
        RESOURCE(StartupMemoryLow, NULL, memory, "StartupMemoryLow", NULL, UINT64_MAX, 0, ADMIN,
                 "MemoryLow= while the host starts and stops; systemd 254 or newer"),
        RESOURCE(StartupMemoryMax, NULL, memory, "StartupMemoryMax", NULL, UINT64_MAX, UINT64_MAX, OWNER,
                 "MemoryMax= while the host starts and stops; systemd 254 or newer"),
        RESOURCE(StartupMemorySwapMax, NULL, memory, "StartupMemorySwapMax", NULL, UINT64_MAX, UINT64_MAX, OWNER,
                 "MemorySwapMax= while the host starts and stops; systemd 254 or newer"),
        RESOURCE(StartupMemoryZSwapMax, NULL, memory, "StartupMemoryZSwapMax", NULL, UINT64_MAX, UINT64_MAX, OWNER,
                 "MemoryZSwapMax= while the host starts and stops; systemd 254 or newer"),
        RESOURCE(TasksMax, "limits.processes", tasks, "TasksMax", "TasksMaxScale", UINT32_MAX, SCOPE_TASKS_MAX, OWNER, "Processes and threads it may have"),

        ROW(Security, AppArmorProfile, NULL, profile_name, apparmor_profile, NEXT_START, ADMIN, NULL, "A loaded AppArmor profile instead of the one that berth makes, or unconfined"),
        ROW(Security, CapabilityBoundingSet, NULL, capabilities, capabilities, NEXT_START, ADMIN, CAPABILITIES_DEFAULT, "Capabilities that any process in it can ever have"),
        { .section = "Security", .name = "IDMapBase", .lxd = "security.idmap.base", .type = &setting_type_id_base, .offset = offsetof(Settings, idmap_base),
          .min = 524288, .max = 1878982656, .when = SETTING_NEXT_START, .who = SETTING_ADMIN,
          .help = "First of the host's ids that are its own; unset: chosen among those that nobody has" },
        { .section = "Security", .name = "IDMapSize", .lxd = "security.idmap.size", .type = &setting_type_integer, .offset = offsetof(Settings, idmap_size),
          .min = 65536, .max = 16777216, .example = "131072", .when = SETTING_NEXT_START, .who = SETTING_ADMIN, .fallback = "65536",
          .help = "How many user and group ids there are inside" },
        ROW(Security, InterceptMknod, "security.syscalls.intercept.mknod", bool, intercept_mknod, NEXT_START, ADMIN, "no",
            "The supervisor lends the nodes null, zero, full, random, urandom and tty to whoever makes them inside"),
        ROW(Security, InterceptMount, "security.syscalls.intercept.mount", bool, intercept_mount, NEXT_START, ADMIN, "no",
            "The supervisor mounts file systems of InterceptMountTypes= that are on block devices of the container's"),
        ROW(Security, InterceptMountTypes, "security.syscalls.intercept.mount.allowed", filesystems, intercept_mount_types, NEXT_START, ADMIN, NULL,
            "The types that InterceptMount= is about; the host's kernel reads what the container has written on its device"),
        ROW(Security, InterceptSysinfo, "security.syscalls.intercept.sysinfo", bool, intercept_sysinfo, NEXT_START, ADMIN, "no",
            "sysinfo(2) tells the container's uptime, memory, swap and processes"),
        ROW(Security, KernelModules, "linux.kernel_modules", modules, kernel_modules, NEXT_START, ADMIN, NULL, "Kernel modules that the host loads before it starts"),
        ROW(Security, Nesting, "security.nesting", bool, nesting, NEXT_START, RULED, "no", "Containers can run inside; what it loosens is under NESTING"),
        ROW(Security, NoNewPrivileges, NULL, bool, no_new_privileges, NEXT_START, OWNER, "no", "No set-user-id program gains anything inside"),
        ROW(Security, Privileged, "security.privileged", bool, privileged, NEXT_START, ADMIN, "no",
            "No user namespace of its own: root inside is the host's; what is left of a border is under PRIVILEGED"),
        ROW(Security, RawAppArmor, NULL, raw_apparmor, raw_apparmor, NEXT_START, ADMIN, NULL, "Rules that its AppArmor profile has on top, as in apparmor.d(5)"),
        ROW(Security, RawSeccomp, NULL, raw_seccomp, raw_seccomp, NEXT_START, ADMIN, NULL,
            "Lines of a policy file as LXC has them, in the place of the default policy; SystemCallFilter= comes on top of it"),
        CHOICE(Security, SystemCallArchitectures, syscall_architectures, "all native", "native", NEXT_START, OWNER, "all",
               "native: nothing for the other ABIs of the architecture, such as 32 bit programs"),
        ROW(Security, SystemCallFilter, NULL, syscall_filter, syscall_filter, NEXT_START, OWNER, NULL,
            "System calls that are denied, with ~, as is everybody's right, or allowed, which is the administrator's"),
        CHOICE(Security, SystemCallPolicy, syscall_policy, "default allow deny", "deny", NEXT_START, ADMIN, "default",
               "What SystemCallFilter= begins with: berth's policy, all calls, or none"),

        LINE(Service, Restart, NULL, unit_choice, "Service.Restart", 0, "no on-success on-failure on-abnormal on-watchdog on-abort always",
             "Whether it is started again when it has ended; a reboot always does"),
        LINE(Service, RestartSec, NULL, unit_time, "Service.RestartSec", 0, NULL, "How long to wait before that"),
        LINE(Service, TimeoutStartSec, NULL, unit_time, "Service.TimeoutStartSec", 0, NULL, "How long a start may take"),

        UNIT(After, units, "Started after these units, stopped before them"),
        ROW(Unit, Autostart, "boot.autostart", bool, autostart, NEXT_START, ADMIN, "no", "Started when the host boots; as systemctl enable, but from a profile too"),
        ROW(Unit, AutostartDelaySec, "boot.autostart.delay", time_span, autostart_delay_usec, NEXT_START, ADMIN, "0",
            "At boot, how long those of a lower priority wait after its start"),
        NUMBER(Unit, AutostartPriority, "boot.autostart.priority", autostart_priority, 0, 10000, NEXT_START, ADMIN, "0",
               "At boot, those with a higher one are started first, and stopped last"),
        UNIT(Before, units, "Started before these units, stopped after them"),
        UNIT(BindsTo, units, "As Requires=, and stopped when they stop for any reason"),
        UNIT(Conflicts, units, "Never runs at the same time as these units"),
        UNIT(OnFailure, units, "Units that are started when it fails"),
        UNIT(OnSuccess, units, "Units that are started when it has ended well"),
        UNIT(PartOf, units, "Stopped and restarted with these units"),
        UNIT(PropagatesStopTo, units, "When it stops, these units are stopped too"),
        LINE(Unit, RawUnit, "raw.unit", unit_raw, NULL, 0, NULL, "Lines that go into its units as they are: of berth@NAME.service, with Scope. of berth-NAME.scope"),
        UNIT(Requires, units, "Starts these units too, and fails when they fail"),
        UNIT(RequiresMountsFor, mounts, "Needs the file systems that these paths of the host are on"),
        UNIT(Requisite, units, "Fails to start unless these units run"),
        LINE(Unit, StartLimitBurst, NULL, unit_count, "Unit.StartLimitBurst", UINT32_MAX, NULL, "How many starts within StartLimitIntervalSec= are too many"),
        LINE(Unit, StartLimitIntervalSec, NULL, unit_time, "Unit.StartLimitIntervalSec", 0, NULL, "In which time starts are counted"),
        UNIT(StopPropagatedFrom, units, "Stopped when one of these units stops"),
        UNIT(Upholds, units, "Starts these units, and again whenever they are down"),
        UNIT(Wants, units, "Starts these units too, whatever becomes of them"),
};
const size_t n_settings_table = ELEMENTSOF(settings_table);

static const char *const when_table[_SETTING_WHEN_MAX] = {
        [SETTING_LIVE] = "live", [SETTING_NEXT_START] = "next start", [SETTING_CREATE_ONLY] = "create only", [SETTING_INTERNAL] = "internal",
};

static const char *const who_table[_SETTING_WHO_MAX] = {
        [SETTING_OWNER] = "owner", [SETTING_RULED] = "owner, if a rule of polkit says so", [SETTING_ADMIN] = "admin", [SETTING_BERTH] = "berth",
};

const char *setting_when_to_string(SettingWhen when) {
        return when_table[when];
}

const char *setting_who_to_string(SettingWho who) {
        return who_table[who];
}

/* Levenshtein's distance, letters' case aside, of texts short enough to be keys. */
static size_t distance(const char *a, const char *b) {
        size_t row[64], n = strlen(b);

        if (n >= ELEMENTSOF(row) || strlen(a) >= ELEMENTSOF(row))
                return SIZE_MAX;
        for (size_t j = 0; j <= n; j++)
                row[j] = j;
        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        size_t replaced = diagonal + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);

                        diagonal = row[j];
                        row[j] = MIN_OF(replaced, MIN_OF(row[j - 1], row[j]) + 1);
                }
        }
        return row[n];
}

/* Keys of LXD's that have no like here: what there is in their place. NULL: it is none of these. */
static const char *without_like(const char *key) {
        static const struct {
                const char *prefix, *reason;
        } keys[] = {
                { "boot.stop.priority", "the host stops containers in the reverse of the order in which it starts them: AutostartPriority=, Before= and After= say that" },
                { "limits.hugepages.", "systemd does not hand the hugetlb controller to anybody, so that nothing could hold the limit; huge pages are the host's to reserve" },
        };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++)
                if (startswith(key, keys[i].prefix))
                        return keys[i].reason;
        return NULL;
}

static int explain_unknown(const char *key, char **ret_error) {
        _cleanup_free_ char *escaped = NULL;
        const char *name = NULL, *dot = strchr(key, '.');
        size_t best = MAX_OF(strlen(key) / 3, (size_t) 2) + 1;
        int r;

        r = string_escape(key, &escaped);
        if (r < 0)
                return r;
        if (strlen(escaped) > 60)
                strcpy(escaped + 57, "...");
        if (without_like(key))
                return asprintf(ret_error, "There is no setting '%s': %s.", escaped, without_like(key)) < 0 ? -ENOMEM : -ENOENT;

        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++) {
                const char *names[] = { t->name, t->lxd };

                for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                        size_t d = names[i] ? distance(key, names[i]) : SIZE_MAX;

                        if (dot && i == 0)
                                d = MIN_OF(d, distance(dot + 1, names[i]));
                        if (d < best) {
                                best = d;
                                name = names[i];
                        }
                }
        }

        for (size_t i = 0; i < n_lxd_keys; i++)
                if (distance(key, lxd_keys[i].key) < best) {
                        best = distance(key, lxd_keys[i].key);
                        name = lxd_keys[i].key;
                }

        if (!name)
                r = asprintf(ret_error, "There is no setting '%s'.", escaped);
        else
                r = asprintf(ret_error, "There is no setting '%s', did you mean '%s'?", escaped, name);
        return r < 0 ? -ENOMEM : -ENOENT;
}

/* The names of LXD 4.22 and later for what goes to cloud-init; without the user.* they could not be told from nothing by images that read these. */
static const char *older_name(const char *key) {
        static const char *const names[][2] = {
                { "cloud-init.network-config", "user.network-config" },
                { "cloud-init.user-data", "user.user-data" },
                { "cloud-init.vendor-data", "user.vendor-data" },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (streq(key, names[i][0]))
                        return names[i][1];
        return key;
}

static bool matches(const Setting *t, const char *key, const char **ret_subkey) {
        const char *family = t->lxd ? endswith(t->lxd, "*") : NULL, *rest;

        key = older_name(key);

        *ret_subkey = NULL;
        if (streq(key, t->name) || (t->lxd && !family && streq(key, t->lxd)))
                return true;
        if (family && strncmp(key, t->lxd, (size_t) (family - t->lxd)) == 0 && key[family - t->lxd]) {
                *ret_subkey = key + (family - t->lxd);
                return true;
        }
        rest = startswith(key, t->section);
        return rest && *rest == '.' && streq(rest + 1, t->name);
}

int setting_find(const char *key, const Setting **ret, const char **ret_subkey, char **ret_error) {
        const char *subkey;

        assert(key);
        assert(ret);

        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)
                if (matches(t, key, &subkey)) {
                        *ret = t;
                        if (ret_subkey)
                                *ret_subkey = subkey;
                        return 0;
                }
        return ret_error ? explain_unknown(key, ret_error) : -ENOENT;
}

int setting_find_in_section(const char *section, const char *key, const Setting **ret, char **ret_error) {
        const Setting *t;
        int r;

        for (t = settings_table; t < settings_table + n_settings_table; t++)
                if (streq(section, t->section) && streq(key, t->name)) {
                        *ret = t;
                        return 0;
                }

        if (setting_find(key, &t, NULL, ret_error) < 0)
                return -ENOENT;
        if (streq(t->section, section))
                r = asprintf(ret_error, "'%s' is written '%s=' in a file.", key, t->name);
        else
                r = asprintf(ret_error, "'%s' belongs as '%s=' in the section [%s].", key, t->name, t->section);
        return r < 0 ? -ENOMEM : -ENOENT;
}

int setting_reason(char **ret_reason, const char *format, ...) {
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(ret_reason, format, ap);
        va_end(ap);
        if (n < 0) {
                *ret_reason = NULL;
                return -ENOMEM;
        }
        return -EINVAL;
}

static int explain_value(const Setting *t, const char *text, int error, const char *reason, char **ret_error) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = string_escape(text, &escaped);
        if (r < 0)
                return r;
        if (strlen(escaped) > 80)
                strcpy(escaped + 77, "...");

        if (reason)
                r = asprintf(ret_error, "%s: '%s' %s.", t->name, escaped, reason);
        else if (error == -ERANGE)
                r = asprintf(ret_error, "%s: '%s' is out of range for %s.", t->name, escaped, t->type->expects);
        else
                r = asprintf(ret_error, "%s: '%s' is not %s.", t->name, escaped, t->type->expects);
        return r < 0 ? -ENOMEM : -EINVAL;
}

int setting_reset(const Setting *t, Settings *s) {
        _cleanup_free_ char *reason = NULL;

        t->type->clear(t, s);
        return t->fallback ? t->type->apply(t, s, t->fallback, false, &reason) : 0;
}

int setting_apply(const Setting *t, Settings *s, const char *text, bool again, char **ret_error) {
        _cleanup_free_ char *reason = NULL;
        int r;

        assert(t);
        assert(s);
        assert(text);
        assert(ret_error);

        if (!*text)
                return setting_reset(t, s);

        r = text_is_plain(text);
        if (r < 0)
                return r;
        if (r == 0)
                return explain_value(t, text, -EINVAL, "has a newline, another control character, or invalid UTF-8 in it", ret_error);
        if (strlen(text) >= INI_LINE_LENGTH_MAX - 256)
                return explain_value(t, text, -EINVAL, "is too long", ret_error);

        r = t->type->apply(t, s, text, again, &reason);
        if (r == -EINVAL || r == -ERANGE)
                return explain_value(t, text, r, reason, ret_error);
        return r;
}

int setting_differs(const Setting *t, const Settings *a, const Settings *b) {
        _cleanup_free_ char *x = NULL, *y = NULL;
        int r, q;

        if (t->type->differs)
                return t->type->differs(t, a, b);
        r = t->type->print(t, a, &x);
        if (r < 0 && r != -ENODATA)
                return r;
        q = t->type->print(t, b, &y);
        if (q < 0 && q != -ENODATA)
                return q;
        return !streq_ptr(x, y);
}

bool setting_is_meant(const Setting *t, const char *key) {
        const LxdKey *lxd = lxd_key_find(key);
        const char *subkey;

        if (!lxd)
                return matches(t, key, &subkey);
        for (size_t i = 0; i < ELEMENTSOF(lxd->names); i++)
                if (streq_ptr(lxd->names[i], t->name))
                        return true;
        return false;
}

bool setting_is_for_units(const char *section, const char *key) {
        return streq(section, "Unit") || streq(section, "Service") || (streq(section, "Container") && streq(key, "SnapshotSchedule"));
}

int settings_new(Settings **ret) {
        _cleanup_(settings_freep) Settings *s = calloc(1, sizeof *s);
        int r;

        if (!s)
                return -ENOMEM;
        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)
                if (t->fallback) {
                        r = setting_reset(t, s);
                        if (r < 0)
                                return r;
                }
        *ret = TAKE_PTR(s);
        return 0;
}

Settings *settings_free(Settings *s) {
        if (!s)
                return NULL;
        for (const Setting *t = settings_table; t < settings_table + n_settings_table; t++)
                t->type->clear(t, s);
        devices_done(&s->devices);
        strv_free(s->loaded_credentials);
        free(s);
        return NULL;
}
