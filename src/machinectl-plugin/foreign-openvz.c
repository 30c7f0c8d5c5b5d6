/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A container's file of OpenVZ, ctid.conf(5): assignments in the manner of a shell, none of which a shell sees here. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/foreign.h"
#include "settings/quantity.h"

#define PAGE 4096U

/* "BARRIER:LIMIT", or one number for both; K, M, G, T are bytes, P are pages, and a number alone counts units. 0: no limit. */
static int parse_limit(const char *value, uint64_t unit, uint64_t *ret) {
        const char *limit = strchr(value, ':');
        _cleanup_free_ char *number = NULL;
        uint64_t v;

        limit = limit ? limit + 1 : value;
        if (streq(limit, "unlimited"))
                return *ret = 0, 0;
        if (endswith(limit, "P") || endswith(limit, "p")) {
                number = strndup(limit, strlen(limit) - 1);
                unit = PAGE;
        } else if (limit[strspn(limit, "0123456789")]) {
                if (parse_size(limit, &v) < 0)
                        return -EINVAL;
                return *ret = v, 0;
        } else
                number = strdup(limit);
        if (!number)
                return -ENOMEM;
        if (parse_u64(number, UINT64_MAX, &v) < 0)
                return -EINVAL;
        /* LONG_MAX is its way to say that there is none, on 32 bits too. */
        *ret = v >= INT64_MAX / unit || (unit == PAGE && v >= INT32_MAX) ? 0 : v * unit;
        return 0;
}

static int map_limit(Foreign *f, const char *setting, const char *value, uint64_t unit) {
        uint64_t v;
        int r;

        r = parse_limit(value, unit, &v);
        if (r < 0)
                return r == -EINVAL ? FOREIGN_LEFT_OUT : r;
        return v == 0 ? 0 : foreign_setf(f, setting, "%llu", (unsigned long long) v);
}

static int map_pages(Foreign *f, const char *setting, const char *rest, const char *value) {
        return map_limit(f, setting, value, PAGE);
}

/* Where there is PHYSPAGES=, that is what counts, wherever it stands. */
static int map_private_pages(Foreign *f, const char *setting, const char *rest, const char *value) {
        STRV_FOREACH(s, f->settings)
                if (startswith(*s, "MemoryMax="))
                        return 0;
        return map_limit(f, setting, value, PAGE);
}

static int map_count(Foreign *f, const char *setting, const char *rest, const char *value) {
        uint64_t v;
        int r;

        r = parse_limit(value, 1, &v);
        if (r < 0)
                return r == -EINVAL ? FOREIGN_LEFT_OUT : r;
        return v == 0 || v >= INT32_MAX ? 0 : foreign_setf(f, setting, "%llu", (unsigned long long) v);
}

/* Blocks of 1 KiB. Not every store can keep such a limit, and a container does not start where it cannot be kept. */
static int map_disk(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_free_ char *size = NULL;
        uint64_t v;
        int r;

        r = parse_limit(value, 1024, &v);
        if (r < 0)
                return r == -EINVAL ? FOREIGN_LEFT_OUT : r;
        if (v == 0)
                return 0;
        r = print_size(v, &size);
        return r < 0 ? r : foreign_note(f, "Its files could be %s. Where the store can keep that limit: 'berthctl device set NAME root size=%s'.", size, size);
}

/* Percent of one processor. */
static int map_cpu_limit(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_free_ char *number = strndup(value, strlen(value) - (endswith(value, "%") ? 1 : 0));
        uint64_t v;

        if (!number)
                return -ENOMEM;
        if (parse_u64(number, 1000000, &v) < 0)
                return FOREIGN_LEFT_OUT;
        return v == 0 ? 0 : foreign_setf(f, setting, "%llu%%", (unsigned long long) v);
}

/* 1000 are what every container has. */
static int map_cpu_units(Foreign *f, const char *setting, const char *rest, const char *value) {
        uint64_t v;

        if (parse_u64(value, UINT32_MAX, &v) < 0)
                return FOREIGN_LEFT_OUT;
        return v == 0 ? 0 : foreign_setf(f, setting, "%llu", (unsigned long long) MIN_OF(MAX_OF(v / 10, UINT64_C(1)), UINT64_C(10000)));
}

static int split_words(const char *value, const char *separators, char ***words) {
        _cleanup_free_ char *copy = strdup(value);
        int r = 0;

        if (!copy)
                return -ENOMEM;
        for (char *more = copy, *word; r >= 0 && (word = strsep(&more, separators));)
                if (*word)
                        r = strv_extend(words, word);
        return r;
}

/* Its venet leads to single addresses by routes, as interfaces of type routed do. */
static int map_addresses(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_strv_ char **words = NULL;
        ForeignNic *n = &f->nics[0];
        int r;

        r = split_words(value, " ", &words);
        STRV_FOREACH(w, words) {
                (*w)[strcspn(*w, "/")] = 0;
                if (r >= 0)
                        r = strv_extend(strchr(*w, ':') ? &n->addresses6 : &n->addresses4, *w);
        }
        if (r < 0 || !words)
                return r;
        n->there = true;
        f->n_nics = MAX_OF(f->n_nics, 1U);
        return free_and_strdup(&n->type, "routed");
}

/* "ifname=eth0,bridge=br0,mac=02:00:00:12:34:56,host_ifname=veth101.0;ifname=eth1…" */
static int map_interfaces(Foreign *f, const char *setting, const char *rest, const char *value) {
        _cleanup_strv_ char **interfaces = NULL;
        int r;

        r = split_words(value, ";", &interfaces);
        STRV_FOREACH(i, interfaces) {
                _cleanup_strv_ char **pairs = NULL;
                ForeignNic *n;

                /* The first place is that of addresses, which may be said later. */
                if (f->n_nics == 0)
                        f->n_nics = 1;
                if (f->n_nics >= FOREIGN_NICS_MAX)
                        return FOREIGN_LEFT_OUT;
                n = &f->nics[f->n_nics++];
                n->there = true;
                if (r >= 0)
                        r = free_and_strdup(&n->type, "veth");
                if (r >= 0)
                        r = split_words(*i, ",", &pairs);
                STRV_FOREACH(p, pairs) {
                        const char *name = startswith(*p, "ifname="), *bridge = startswith(*p, "bridge="), *mac = startswith(*p, "mac=");

                        if (r >= 0 && name)
                                r = free_and_strdup(&n->name, name);
                        if (r >= 0 && bridge)
                                r = free_and_strdup(&n->link, bridge);
                        if (r >= 0 && mac)
                                r = free_and_strdup(&n->mac, mac);
                }
        }
        return r;
}

static int map_name(Foreign *f, const char *setting, const char *rest, const char *value) {
        return free_and_strdup(&f->name, value);
}

static int map_template(Foreign *f, const char *setting, const char *rest, const char *value) {
        return free_and_strdup(&f->template, value);
}

/* What resolv.conf(5) can have, and nothing else. */
static int map_name_servers(Foreign *f, const char *setting, const char *rest, const char *value) {
        bool servers = streq(setting, "nameserver");

        if (value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:- ")])
                return FOREIGN_LEFT_OUT;
        return streq(value, "inherit") ? 0 : split_words(value, " ", servers ? &f->name_servers : &f->search_domains);
}

static const ForeignKey keys[] = {
        { "PHYSPAGES", "MemoryMax", map_pages },
        { "PRIVVMPAGES", "MemoryMax", map_private_pages },
        { "SWAPPAGES", "MemorySwapMax", map_pages },
        { "NUMPROC", "TasksMax", map_count },
        { "DISKSPACE", NULL, map_disk },
        { "CPULIMIT", "CPUQuota", map_cpu_limit },
        { "CPUS", "CPUCount", map_count },
        { "CPUUNITS", "CPUWeight", map_cpu_units },
        { "CPUMASK", "AllowedCPUs", NULL },
        { "NODEMASK", "AllowedMemoryNodes", NULL },
        { "NUMFILE", "LimitNOFILE", map_count },
        { "IP_ADDRESS", NULL, map_addresses },
        { "NETIF", NULL, map_interfaces },
        { "HOSTNAME", "Hostname", NULL },
        { "DESCRIPTION", "Description", NULL },
        { "NAMESERVER", "nameserver", map_name_servers },
        { "SEARCHDOMAIN", "search", map_name_servers },
        { "ONBOOT", "Autostart", foreign_map_yes },
        { "NAME", NULL, map_name },
        { "OSTEMPLATE", NULL, map_template },
        /* Where it was, and how it was made. */
        { "VE_ROOT", NULL, NULL },
        { "VE_PRIVATE", NULL, NULL },
        { "VE_LAYOUT", NULL, NULL },
        { "ORIGIN_SAMPLE", NULL, NULL },
        { "VEID", NULL, NULL },
        { "UUID", NULL, NULL },
};

static int read_line(Foreign *f, char *line, unsigned number, char **ret_error) {
        size_t n = strspn(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        char *value = line + n + 1;

        if (n == 0 || line[n] != '=')
                return asprintf(ret_error, "line %u is no assignment", number) < 0 ? -ENOMEM : -EBADMSG;
        line[n] = 0;
        if (*value == '"' || *value == '\'') {
                char *end = strchr(value + 1, *value);

                if (!end || end[1 + strspn(end + 1, " ")])
                        return asprintf(ret_error, "line %u has a quote that does not end", number) < 0 ? -ENOMEM : -EBADMSG;
                *end = 0;
                value++;
        }
        return *value ? foreign_map(f, keys, ELEMENTSOF(keys), line, line, value) : 0;
}

int foreign_parse_openvz(Foreign *f, const void *data, size_t size, char **ret_error) {
        int r;

        r = foreign_lines(data, size, read_line, f, ret_error);
        /* Beside interfaces that have names it keeps its own. */
        if (r >= 0 && f->nics[0].there && f->n_nics > 1)
                r = free_and_strdup(&f->nics[0].name, "venet0");
        return r < 0 ? r : foreign_finish(f);
}
