/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/proxy.h"

#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/listen-try.h"
#include "launch/unit-wait.h"
#include "shared/names.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define PROXY BERTH_LIBEXECDIR "/berth-proxy"
#define STALE_ATTEMPTS 200U
#define STALE_NSEC (20 * 1000 * 1000)

/* Who is where. What carries it is a program of our own: systemd-socket-proxyd(8) knows no datagrams and no files of a guest's, and drops the answer
 * to a client that has said that it sends no more.
 *   on the host -> in the container         the socket is the host's, the service in the container's network namespace
 *   on the host -> a file of the guest's    the socket is the host's, the service becomes the container's root
 *   in the container -> on the host         the socket is in the container's network namespace, the service on the host
 *   a file of the guest's -> on the host    no socket unit: a child of the service's becomes the container's root and listens */
typedef struct Proxy {
        sd_bus *bus;
        const Device *device;  /* borrowed */
        char *socket, *service, *scope;
        char *description;
        char *netns, *userns, *mntns; /* paths that PID 1, and the service, can open */
        bool inside;           /* it listens in the container */
        bool guests_file;      /* one end is a file of the guest's */
        bool hosts_file;       /* it leads to one of the host's */
        bool datagrams;
} Proxy;

static void proxy_done(Proxy *p) {
        sd_bus_flush_close_unref(p->bus);
        free(p->socket);
        free(p->service);
        free(p->scope);
        free(p->description);
        free(p->netns);
        free(p->userns);
        free(p->mntns);
}

/* No name of a container has '_' in it: nothing else of berth's is called so. */
static int proxy_init(Proxy *p, const char *container, const Device *d) {
        int r;

        *p = (Proxy) { .device = d };
        p->inside = streq(device_get(d, DEVICE_BIND), "container");
        p->guests_file = startswith(d->values[p->inside ? DEVICE_LISTEN : DEVICE_CONNECT], "unix:/");
        p->hosts_file = p->inside && startswith(d->values[DEVICE_CONNECT], "unix:/");
        p->datagrams = startswith(d->values[DEVICE_CONNECT], "udp:");
        r = sd_bus_open_system(&p->bus);
        if (r < 0)
                return r;
        if (asprintf(&p->socket, "berth-%s_%s.socket", container, d->name) < 0)
                p->socket = NULL;
        if (asprintf(&p->service, "berth-%s_%s.service", container, d->name) < 0)
                p->service = NULL;
        if (asprintf(&p->scope, "berth-%s.scope", container) < 0)
                p->scope = NULL;
        if (asprintf(&p->description, "Device %s of container %s", d->name, container) < 0)
                p->description = NULL;
        return p->socket && p->service && p->scope && p->description ? 0 : -ENOMEM;
}

static bool has_socket(const Proxy *p) {
        return !p->inside || !p->guests_file;
}

static int append_common(const Proxy *p, sd_bus_message *m) {
        return sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)",
                                     "Description", "s", p->description,
                                     "CollectMode", "s", "inactive-or-failed",
                                     "BindsTo", "as", 1, p->scope,
                                     "After", "as", 1, p->scope,
                                     "Slice", "s", BERTH_SLICE);
}

static int append_socket(const Proxy *p, sd_bus_message *m) {
        const Device *d = p->device;
        const char *address = device_proxy_address(d, DEVICE_LISTEN);
        int r;

        r = append_common(p, m);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)", "Listen", "a(ss)", 1, p->datagrams ? "Datagram" : "Stream", address);
        /* The guest gives itself addresses, and that later. */
        if (r >= 0 && p->inside)
                r = sd_bus_message_append(m, "(sv)(sv)", "NetworkNamespacePath", "s", p->netns, "FreeBind", "b", 1);
        if (r >= 0 && address[0] == '/')
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)",
                                          "SocketMode", "u", (uint32_t) strtoul(device_get(d, DEVICE_MODE), NULL, 8),
                                          "SocketUser", "s", device_get(d, DEVICE_UID),
                                          "SocketGroup", "s", device_get(d, DEVICE_GID),
                                          "RemoveOnStop", "b", 1);
        return r;
}

#define CAPABILITY(c) (UINT64_C(1) << (c))

/* Who has to open namespaces of the supervisor's and enter them needs rights over it until he has. */
static int append_identity(const Proxy *p, sd_bus_message *m) {
        int r;

        if (p->guests_file)
                return sd_bus_message_append(m, "(sv)(sv)(sv)", "Type", "s", p->inside ? "notify" : "exec", "KillMode", "s", "mixed", "CapabilityBoundingSet", "t",
                                             CAPABILITY(CAP_SYS_ADMIN) | CAPABILITY(CAP_SYS_PTRACE) | CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETGID));
        r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)", "Type", "s", "notify", "CapabilityBoundingSet", "t", (uint64_t) 0,
                                  "ProtectProc", "s", "invisible", "RestrictNamespaces", "t", (uint64_t) 0);
        /* A file of the host's is reached as root, without any right but that of the owner. */
        if (r >= 0 && !p->hosts_file)
                r = sd_bus_message_append(m, "(sv)", "DynamicUser", "b", 1);
        if (r >= 0 && !p->inside)
                r = sd_bus_message_append(m, "(sv)", "NetworkNamespacePath", "s", p->netns);
        return r;
}

static int append_command(const Proxy *p, sd_bus_message *m) {
        const char *to = p->device->values[DEVICE_CONNECT];
        if (!has_socket(p))
                return sd_bus_message_append(m, "(sv)", "ExecStart", "a(sasb)", 1, PROXY, 9, PROXY, "listen-inside", p->userns, p->mntns,
                                             device_proxy_address(p->device, DEVICE_LISTEN), device_get(p->device, DEVICE_MODE), device_get(p->device, DEVICE_UID),
                                             device_get(p->device, DEVICE_GID), to, 0);
        if (p->guests_file)
                return sd_bus_message_append(m, "(sv)", "ExecStart", "a(sasb)", 1, PROXY, 5, PROXY, "connect-inside", p->userns, p->mntns, to, 0);
        return sd_bus_message_append(m, "(sv)", "ExecStart", "a(sasb)", 1, PROXY, 3, PROXY, "serve", to, 0);
}

/* It reads what strangers and a guest send: nothing but that is left to it. */
static int append_service(const Proxy *p, sd_bus_message *m) {
        int r;

        r = append_common(p, m);
        if (r >= 0)
                r = append_identity(p, m);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                          "NoNewPrivileges", "b", 1,
                                          "ProtectSystem", "s", "strict",
                                          "ProtectHome", "s", p->hosts_file ? "read-only" : "yes",
                                          "PrivateDevices", "b", 1,
                                          "ProtectControlGroups", "b", 1,
                                          "ProtectKernelModules", "b", 1,
                                          "ProtectKernelLogs", "b", 1);
        if (r >= 0)
                r = sd_bus_message_append(m, "(sv)(sv)(sv)(sv)(sv)(sv)(sv)(sv)",
                                          "RestrictRealtime", "b", 1,
                                          "LockPersonality", "b", 1,
                                          "MemoryDenyWriteExecute", "b", 1,
                                          "SystemCallArchitectures", "as", 1, "native",
                                          "SystemCallFilter", "(bas)", 1, 1, "@system-service",
                                          "RestrictAddressFamilies", "(bas)", 1, 3, "AF_UNIX", "AF_INET", "AF_INET6",
                                          "TimeoutStopUSec", "t", (uint64_t) (5 * USEC_PER_SEC),
                                          "TasksMax", "t", (uint64_t) 16);
        /* What is searched for leaks at its end is traced. */
        if (r >= 0 && HAVE_SANITIZER)
                r = sd_bus_message_append(m, "(sv)", "SystemCallFilter", "(bas)", 1, 1, "@debug");
        return r < 0 ? r : append_command(p, m);
}

static int append_beside(const Proxy *p, sd_bus_message *m) {
        int r;

        r = sd_bus_message_open_container(m, 'r', "sa(sv)");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", p->service);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = append_service(p, m);
        for (unsigned i = 0; r >= 0 && i < 2; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int call_start(const Proxy *p, sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(p->bus, &m, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StartTransientUnit");
        if (r >= 0)
                r = sd_bus_message_append(m, "ss", has_socket(p) ? p->socket : p->service, "fail");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sv)");
        if (r >= 0)
                r = has_socket(p) ? append_socket(p, m) : append_service(p, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "(sa(sv))");
        if (r >= 0 && has_socket(p))
                r = append_beside(p, m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_call(p->bus, m, 0, error, NULL);
}

/* The socket first: it would start the service again. */
static int stop(const Proxy *p) {
        int r = 0;

        for (const char *const *u = (const char *const[]) { p->socket, p->service, NULL }; *u && r >= 0; u++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                r = sd_bus_call_method(p->bus, SYSTEMD, SYSTEMD_PATH, SYSTEMD_MANAGER, "StopUnit", &error, NULL, "ss", *u, "replace");
                if (r < 0 && sd_bus_error_has_name(&error, "org.freedesktop.systemd1.NoSuchUnit"))
                        r = 0;
                else if (r >= 0)
                        r = unit_wait(p->bus, *u, false, UNIT_WAIT_USEC);
        }
        return r;
}

static int fail(const Proxy *p, int r, const sd_bus_error *error, char **ret_error) {
        const char *listen = p->device->values[DEVICE_LISTEN];
        int k;

        if (error->message)
                return asprintf(ret_error, "PID 1 does not listen on '%s' for it: %s", listen, error->message) < 0 ? -ENOMEM : -EIO;
        if (r != -EIO)
                return r;
        if (p->inside)
                return asprintf(ret_error, "nothing can listen on '%s' in the container%s%s%s", listen, has_socket(p) ? ": it is in use" : ": 'journalctl -u ",
                                has_socket(p) ? "" : p->service, has_socket(p) ? "" : "' says why") < 0 ? -ENOMEM : -EIO;
        k = listen_try(device_proxy_address(p->device, DEVICE_LISTEN), p->datagrams);
        /* Without the right to a port below 1024 nothing more is to be known. */
        return asprintf(ret_error, "the host cannot listen on '%s': %s", listen,
                        k < 0 && k != -EACCES ? strerror(-k) : "it is in use, or not the host's address") < 0 ? -ENOMEM : -EIO;
}

static int start(const Proxy *p, char **ret_error) {
        /* PID 1 shares a port for datagrams (SO_REUSEADDR): who came first would not get any more. */
        if (p->datagrams && !p->inside && listen_try(device_proxy_address(p->device, DEVICE_LISTEN), true) == -EADDRINUSE)
                return asprintf(ret_error, "the host cannot listen on '%s': %s", p->device->values[DEVICE_LISTEN], strerror(EADDRINUSE)) < 0 ? -ENOMEM : -EIO;
        for (unsigned i = 0;; i++) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                int r;

                r = call_start(p, &error);
                if (r < 0 && sd_bus_error_has_name(&error, "org.freedesktop.systemd1.UnitExists") && i < STALE_ATTEMPTS) {
                        /* Of an earlier run, on its way out. */
                        (void) stop(p);
                        (void) nanosleep(&(struct timespec) { .tv_nsec = STALE_NSEC }, NULL);
                        continue;
                }
                if (r >= 0)
                        r = unit_wait(p->bus, has_socket(p) ? p->socket : p->service, true, UNIT_WAIT_USEC);
                if (r >= 0)
                        return 0;
                (void) stop(p);
                return fail(p, r, &error, ret_error);
        }
}

/* Ours, and no process of the guest's: PID 1, whose child we are, knows of our end before our number can be another's, and ends the units before
 * it starts any. That it is a namespace is looked at by PID 1, or by who enters it. */
static int path_of(int fd, char **ret) {
        if (asprintf(ret, "/proc/%d/fd/%d", (int) getpid(), fd) >= 0)
                return 0;
        *ret = NULL;
        return -ENOMEM;
}

int proxy_add(const LentContext *c, int netns_fd, const Device *d, char **ret_error) {
        Proxy p;
        int r;

        r = proxy_init(&p, c->container, d);
        /* Its root is the host's: nothing but the mount namespace would keep it in the container. */
        if (r >= 0 && p.guests_file && c->namespaces->fds[NAMESPACE_USER] < 0)
                r = asprintf(ret_error, "a file of a privileged container cannot be its end; an address, or unix:@NAME, can") < 0 ? -ENOMEM : -EPERM;
        if (r >= 0)
                r = path_of(netns_fd, &p.netns);
        if (r >= 0)
                r = path_of(c->namespaces->fds[NAMESPACE_USER], &p.userns);
        if (r >= 0)
                r = path_of(c->namespaces->fds[NAMESPACE_MOUNT], &p.mntns);
        if (r >= 0)
                r = start(&p, ret_error);
        proxy_done(&p);
        return r;
}

int proxy_remove(const LentContext *c, const Device *d, char **ret_error) {
        Proxy p;
        int r;

        r = proxy_init(&p, c->container, d);
        if (r >= 0)
                r = stop(&p);
        proxy_done(&p);
        return r;
}
