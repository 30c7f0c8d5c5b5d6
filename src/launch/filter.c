/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/filter.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "launch/bridge.h"

#define NFT "/usr/sbin/nft"

bool filter_wanted(const Device *d) {
        return device_get_bool(d, DEVICE_MAC_FILTERING) || device_is_filtered(d, DEVICE_IPV4_FILTERING) || device_is_filtered(d, DEVICE_IPV6_FILTERING) ||
               d->values[DEVICE_LIMIT_INGRESS] || d->values[DEVICE_LIMIT_EGRESS] || d->values[DEVICE_PRIORITY];
}

/* A name of nftables has no '@' and '+', which one of an interface may have. */
static void table_name(const char *host_name, char ret[static 32]) {
        snprintf(ret, 32, "berth_%s", host_name);
        for (char *p = ret; *p; p++)
                if (strchr("@+.-", *p))
                        *p = '_';
}

/* "10.0.0.5/24 10.0.0.6/24" as "10.0.0.5, 10.0.0.6". */
static void print_addresses(FILE *f, const char *list) {
        for (const char *p = list ?: ""; *p; p += strspn(p, " ")) {
                size_t n = strcspn(p, " ");

                fprintf(f, ", %.*s", (int) strcspn(p, "/ "), p);
                p += n;
        }
}

static void print_limit(FILE *f, const char *bits) {
        unsigned long long bytes = bits ? strtoull(bits, NULL, 10) / 8 : 0;

        /* A quarter of a second at once, and a few large packets. */
        if (bytes > 0)
                fprintf(f, "limit rate over %llu bytes/second burst %llu bytes drop\n", bytes, MAX_OF(bytes / 4, 32768ULL));
}

/* As tc(8) writes classes, in hexadecimal. */
static void print_priority(FILE *f, const Device *d) {
        unsigned long n = strtoul(d->values[DEVICE_PRIORITY], NULL, 10);

        fprintf(f, "meta priority set %lx:%lx\n", n >> 16, n & 0xffff);
}

/* What is bridged keeps the priority; of IPv4 that is routed the kernel makes it anew of the packet's type of service (ip_forward()), so that it has
 * to be said once more after that. There the bridge is where a packet comes from, and the sender's hardware address says who. */
static void print_routed_priority(FILE *f, const char *table, const char *host_name, const Device *d, const char *mac) {
        fprintf(f, "add table ip %s\ndelete table ip %s\ntable ip %s {\nchain routed {\ntype filter hook forward priority 0; policy accept;\n", table, table, table);
        if (streq(device_get(d, DEVICE_NICTYPE), "bridged"))
                fprintf(f, "iifname \"%s\" ether saddr %s ", d->values[DEVICE_PARENT] ?: BRIDGE_DEFAULT, mac);
        else
                fprintf(f, "iifname \"%s\" ", host_name);
        print_priority(f, d);
        fputs("}\n}\n", f);
}

int filter_text(const char *host_name, const Device *d, const uint8_t mac[static 6], char **ret) {
        _cleanup_free_ char *text = NULL;
        char table[32], m[18];
        size_t size;
        FILE *f;

        f = open_memstream(&text, &size);
        if (!f)
                return -errno;
        table_name(host_name, table);
        snprintf(m, sizeof m, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);

        fprintf(f, "add table netdev %s\ndelete table netdev %s\ntable netdev %s {\n", table, table, table);
        fprintf(f, "chain sent {\ntype filter hook ingress device \"%s\" priority 0; policy accept;\n", host_name);
        if (device_get_bool(d, DEVICE_MAC_FILTERING))
                fprintf(f, "ether saddr != %s drop\narp saddr ether != %s drop\n", m, m);
        if (device_is_filtered(d, DEVICE_IPV4_FILTERING) || device_is_filtered(d, DEVICE_IPV6_FILTERING))
                /* What is behind a tag is not looked at below. */
                fputs("ether type vlan drop\n", f);
        if (device_is_filtered(d, DEVICE_IPV4_FILTERING)) {
                fputs("arp saddr ip != { 0.0.0.0", f);
                print_addresses(f, d->values[DEVICE_IPV4_ADDRESS]);
                /* It may ask for an address, and not give any. */
                fputs(" } drop\nudp sport 67 drop\nip saddr 0.0.0.0 udp dport 67 accept\nip saddr != { 255.255.255.255", f);
                print_addresses(f, d->values[DEVICE_IPV4_ADDRESS]);
                fputs(" } drop\n", f);
        }
        if (device_is_filtered(d, DEVICE_IPV6_FILTERING)) {
                fputs("icmpv6 type nd-router-advert drop\nudp sport 547 drop\nip6 saddr != { ::, fe80::/10", f);
                print_addresses(f, d->values[DEVICE_IPV6_ADDRESS]);
                fputs(" } drop\n", f);
        }
        print_limit(f, d->values[DEVICE_LIMIT_EGRESS]);
        if (d->values[DEVICE_PRIORITY])
                print_priority(f, d);
        fputs("}\n", f);
        if (d->values[DEVICE_LIMIT_INGRESS]) {
                fprintf(f, "chain received {\ntype filter hook egress device \"%s\" priority 0; policy accept;\n", host_name);
                print_limit(f, d->values[DEVICE_LIMIT_INGRESS]);
                fputs("}\n", f);
        }
        fputs("}\n", f);
        if (d->values[DEVICE_PRIORITY])
                print_routed_priority(f, table, host_name, d, m);
        if (fclose(f) != 0)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}

/* Our children have been born in the container's pid namespace since it was joined: there this one would be seen, and once the container's first process
 * is dead nobody can be born at all. *ret: the way back, if there is one. */
static int leave_pid_namespace(int *ret) {
        _cleanup_close_ int own = -EBADF, of_children = -EBADF;

        own = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
        of_children = open("/proc/self/ns/pid_for_children", O_RDONLY | O_CLOEXEC);
        if (own < 0 || (of_children < 0 && errno != ENOENT) || setns(own, CLONE_NEWPID) < 0)
                return -errno;
        *ret = TAKE_FD(of_children);
        return 0;
}

/* What is executed in the container must not be born on the host. */
static void return_to_pid_namespace(int fd) {
        if (fd >= 0 && setns(fd, CLONE_NEWPID) < 0)
                abort();
}

/* Its first words on standard error are the reason. */
static int run_nft(const char *text, char **ret_error) {
        _cleanup_close_ int in_read = -EBADF, in_write = -EBADF, err_read = -EBADF, err_write = -EBADF;
        _cleanup_close_ int of_children = -EBADF;
        int in[2], err[2], status, r;
        char reason[256];
        ssize_t n;
        pid_t pid;

        if (pipe2(in, O_CLOEXEC) < 0)
                return -errno;
        in_read = in[0];
        in_write = in[1];
        if (pipe2(err, O_CLOEXEC) < 0)
                return -errno;
        err_read = err[0];
        err_write = err[1];

        r = leave_pid_namespace(&of_children);
        if (r < 0)
                return r;
        pid = fork();
        if (pid != 0)
                return_to_pid_namespace(of_children);
        if (pid < 0)
                return -errno;
        if (pid == 0) {
                sigset_t none;

                sigemptyset(&none);
                (void) sigprocmask(SIG_SETMASK, &none, NULL);
                (void) signal(SIGPIPE, SIG_DFL);
                if (dup2(in_read, STDIN_FILENO) >= 0 && dup2(err_write, STDOUT_FILENO) >= 0 && dup2(err_write, STDERR_FILENO) >= 0)
                        execl(NFT, "nft", "-f", "-", NULL);
                dprintf(err_write, "cannot execute '%s': %s (package nftables)\n", NFT, strerror(errno));
                _exit(EXIT_FAILURE);
        }
        in_read = fd_close(in_read);
        err_write = fd_close(err_write);
        /* Less than a pipe holds. */
        r = fd_write_all(in_write, text, strlen(text));
        in_write = fd_close(in_write);
        n = fd_read_all(err_read, reason, sizeof reason - 1);
        err_read = fd_close(err_read);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        if (r >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
                return 0;
        reason[MAX_OF(n, 0)] = 0;
        reason[strcspn(reason, "\n")] = 0;
        if (ret_error && asprintf(ret_error, "cannot be filtered or limited: %s", *reason ? reason : "nft failed") < 0)
                *ret_error = NULL;
        return -EIO;
}

/* Since Linux 6.16 a chain waits for the next interface of its name: what a supervisor that was killed has left would be in force for it. */
static void mark_path(const char *host_name, char ret[static 64]) {
        char table[32];

        table_name(host_name, table);
        snprintf(ret, 64, BERTH_RUNTIME_DIR "/.filter-%s", table);
}

static int mark(const char *host_name, bool on) {
        char path[64];
        int fd;

        mark_path(host_name, path);
        if (!on)
                return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
        fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        (void) close(fd);
        return 0;
}

int filter_apply(const char *host_name, const Device *d, const uint8_t mac[static 6], char **ret_error) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = filter_text(host_name, d, mac, &text);
        if (r >= 0)
                r = mark(host_name, true);
        return r < 0 ? r : run_nft(text, ret_error);
}

bool filter_is_left(const char *host_name) {
        char path[64];

        mark_path(host_name, path);
        return access(path, F_OK) >= 0;
}

void filter_remove(const char *host_name, const Device *d) {
        char table[32], text[256], *end = text;

        table_name(host_name, table);
        end += snprintf(text, 128, "add table netdev %s\ndelete table netdev %s\n", table, table);
        if (!d || d->values[DEVICE_PRIORITY])
                (void) snprintf(end, 128, "add table ip %s\ndelete table ip %s\n", table, table);
        if (run_nft(text, NULL) >= 0)
                (void) mark(host_name, false);
}
