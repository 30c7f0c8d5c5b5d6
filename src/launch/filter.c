/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "launch/filter.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"

#define NFT "/usr/sbin/nft"

bool filter_wanted(const Device *d) {
        return device_get_bool(d, DEVICE_MAC_FILTERING) || device_get_bool(d, DEVICE_IPV4_FILTERING) || device_get_bool(d, DEVICE_IPV6_FILTERING) ||
               d->values[DEVICE_LIMIT_INGRESS] || d->values[DEVICE_LIMIT_EGRESS];
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
        if (device_get_bool(d, DEVICE_IPV4_FILTERING) || device_get_bool(d, DEVICE_IPV6_FILTERING))
                /* What is behind a tag is not looked at below. */
                fputs("ether type vlan drop\n", f);
        if (device_get_bool(d, DEVICE_IPV4_FILTERING)) {
                fputs("arp saddr ip != { 0.0.0.0", f);
                print_addresses(f, d->values[DEVICE_IPV4_ADDRESS]);
                /* It may ask for an address, and not give any. */
                fputs(" } drop\nudp sport 67 drop\nip saddr 0.0.0.0 udp dport 67 accept\nip saddr != { 255.255.255.255", f);
                print_addresses(f, d->values[DEVICE_IPV4_ADDRESS]);
                fputs(" } drop\n", f);
        }
        if (device_get_bool(d, DEVICE_IPV6_FILTERING)) {
                fputs("icmpv6 type nd-router-advert drop\nudp sport 547 drop\nip6 saddr != { ::, fe80::/10", f);
                print_addresses(f, d->values[DEVICE_IPV6_ADDRESS]);
                fputs(" } drop\n", f);
        }
        print_limit(f, d->values[DEVICE_LIMIT_EGRESS]);
        fputs("}\n", f);
        if (d->values[DEVICE_LIMIT_INGRESS]) {
                fprintf(f, "chain received {\ntype filter hook egress device \"%s\" priority 0; policy accept;\n", host_name);
                print_limit(f, d->values[DEVICE_LIMIT_INGRESS]);
                fputs("}\n", f);
        }
        fputs("}\n", f);
        if (fclose(f) != 0)
                return -ENOMEM;
        *ret = TAKE_PTR(text);
        return 0;
}

/* Its first words on standard error are the reason. */
static int run_nft(const char *text, char **ret_error) {
        _cleanup_close_ int in_read = -EBADF, in_write = -EBADF, err_read = -EBADF, err_write = -EBADF;
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

        pid = fork();
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

int filter_apply(const char *host_name, const Device *d, const uint8_t mac[static 6], char **ret_error) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = filter_text(host_name, d, mac, &text);
        return r < 0 ? r : run_nft(text, ret_error);
}

void filter_remove(const char *host_name) {
        char table[32], text[128];

        table_name(host_name, table);
        snprintf(text, sizeof text, "add table netdev %s\ndelete table netdev %s\n", table, table);
        (void) run_nft(text, NULL);
}
