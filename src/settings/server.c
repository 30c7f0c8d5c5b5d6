/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "settings/ini.h"
#include "settings/profile.h"
#include "settings/quantity.h"

#define FILE_SIZE_MAX (64U * 1024U)
#define DROP_INS_MAX 256

const ServerRow server_table[_SERVER_KEY_MAX] = {
        [SERVER_BRIDGE_SUBNET] = { "BridgeSubnet", "ipv4.address", SERVER_TYPE_SUBNET, 8, 29, "auto",
                "IPv4 network of berthbr0 when it is made the next time; auto: one that is free" },
        [SERVER_CONTAINERS_MAX] = { "ContainersMax", NULL, SERVER_TYPE_NUMBER, 1, 4096, "4096", "How many containers there may be" },
        [SERVER_CONTAINERS_PER_USER_MAX] = { "ContainersPerUserMax", NULL, SERVER_TYPE_LIMIT, 0, 4096, "32",
                "How many containers a user who is not root may own; infinity: any number" },
        [SERVER_DEFAULT_PROFILES] = { "DefaultProfiles", NULL, SERVER_TYPE_PROFILES, 0, 0, "default",
                "Profiles of a new container that is given none" },
        [SERVER_DEFAULT_STORE] = { "DefaultStore", NULL, SERVER_TYPE_STORE, 0, 0, "default",
                "Store of a new container that is given none; the only one for users who are not root" },
        [SERVER_DISK_PER_USER_MAX] = { "DiskPerUserMax", NULL, SERVER_TYPE_SIZE, 0, 0, "32G",
                "What images and snapshots of a user who is not root may take together before he gets no more of either; infinity: any size" },
        [SERVER_DOWNLOAD_STALL] = { "DownloadStallSec", NULL, SERVER_TYPE_TIME, USEC_PER_SEC, 3600 * USEC_PER_SEC, "30s",
                "A server that sends nothing for so long is asked again, a few times" },
        [SERVER_IDLE_EXIT] = { "IdleExitSec", NULL, SERVER_TYPE_TIME, USEC_PER_SEC, 86400 * USEC_PER_SEC, "30s",
                "The manager leaves after so long without work; infinity: never" },
        [SERVER_IMAGES_EXPIRY] = { "ImagesExpirySec", "images.expiry", SERVER_TYPE_TIME, 0, 36525 * UINT64_C(86400) * USEC_PER_SEC, "10d",
                "Images that were only pulled for a container are removed when unused for so long; infinity: never" },
        [SERVER_IMAGES_PER_USER_MAX] = { "ImagesPerUserMax", NULL, SERVER_TYPE_LIMIT, 0, 1024, "32",
                "How many images a user who is not root may own; infinity: any number" },
        [SERVER_JOBS_PER_USER_MAX] = { "JobsPerUserMax", NULL, SERVER_TYPE_NUMBER, 1, 64, "16",
                "How many jobs a user who is not root may have at once" },
        [SERVER_KEEP_ARCHIVES] = { "KeepArchives", NULL, SERVER_TYPE_BOOL, 0, 0, "yes",
                "Keep the file that an image is imported from, so that it can be exported as it was" },
        [SERVER_KEY_DERIVATION] = { "KeyDerivationSec", NULL, SERVER_TYPE_TIME, 0, 60 * USEC_PER_SEC, "1s",
                "How long it takes to try one key of an encrypted container; 0: no time at all, for keys that are random bytes" },
        [SERVER_MEMORY_PER_USER_MAX] = { "MemoryPerUserMax", NULL, SERVER_TYPE_MEMORY, 0, 0, "50%",
                "What running containers of a user who is not root may use together, of the host's memory or as a size; infinity: all there is" },
        [SERVER_PROXY_HTTP] = { "ProxyHttp", "core.proxy_http", SERVER_TYPE_PROXY, 0, 0, "", "Proxy by which images are downloaded from http:" },
        [SERVER_PROXY_HTTPS] = { "ProxyHttps", "core.proxy_https", SERVER_TYPE_PROXY, 0, 0, "", "Proxy by which images are downloaded from https:" },
        [SERVER_PROXY_IGNORE_HOSTS] = { "ProxyIgnoreHosts", "core.proxy_ignore_hosts", SERVER_TYPE_HOSTS, 0, 0, "",
                "Hosts and domains that are asked without a proxy" },
        [SERVER_RUNNING_PER_USER_MAX] = { "RunningPerUserMax", NULL, SERVER_TYPE_LIMIT, 0, 4096, "16",
                "How many containers of a user who is not root may run at once; infinity: any number" },
        [SERVER_SNAPSHOTS_PER_USER_MAX] = { "SnapshotsPerUserMax", NULL, SERVER_TYPE_LIMIT, 0, 65536, "256",
                "How many snapshots of all his containers a user who is not root may have; infinity: any number" },
        [SERVER_SPARE_WORKER] = { "SpareWorker", NULL, SERVER_TYPE_BOOL, 0, 0, "yes",
                "Have a worker wait for the next job, which makes it faster" },
};

static int fail(int error, char **ret_error, const char *format, ...) _printf_(3, 4);
static int fail(int error, char **ret_error, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = vasprintf(ret_error, format, ap);
        va_end(ap);
        if (r < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return error;
}

static int parse_subnet(const char *text, const ServerRow *row, uint32_t *ret_address, unsigned *ret_prefix) {
        const char *slash = strchr(text, '/');
        char address[INET_ADDRSTRLEN];
        uint32_t prefix, n;
        struct in_addr a;

        if (!slash || (size_t) (slash - text) >= sizeof address)
                return -EINVAL;
        memcpy(address, text, (size_t) (slash - text));
        address[slash - text] = 0;
        if (inet_pton(AF_INET, address, &a) != 1 || parse_u32(slash + 1, (uint32_t) row->max, &prefix) < 0 || prefix < row->min)
                return -EINVAL;
        n = ntohl(a.s_addr);
        /* No loopback, no multicast and what is above. */
        if (n >> 24 == 0 || n >> 24 == 127 || n >> 24 >= 224)
                return -EINVAL;
        *ret_address = n & UINT32_MAX << (32 - prefix);
        *ret_prefix = prefix;
        return 0;
}

/* Returns what the value is short of, or NULL when it is right. */
static const char *check_number(const ServerRow *row, const char *value) {
        uint64_t n;

        return parse_u64(value, row->max, &n) < 0 || n < row->min ? "is no number in that range" : NULL;
}

static const char *check_limit(const ServerRow *row, const char *value) {
        return !streq(value, "infinity") && check_number(row, value) ? "is no number in that range, nor infinity" : NULL;
}

static const char *check_size(_unused_ const ServerRow *row, const char *value) {
        uint64_t n;

        return !streq(value, "infinity") && parse_size(value, &n) < 0 ? "is no size, such as 20G, nor infinity" : NULL;
}

static const char *check_memory(const ServerRow *row, const char *value) {
        size_t n = strlen(value);
        char digits[4];
        uint32_t percent;

        if (n < 2 || n > 4 || value[n - 1] != '%')
                return check_size(row, value) ? "is no size, such as 4G, nor a share of the host's memory, such as 50%, nor infinity" : NULL;
        memcpy(digits, value, n - 1);
        digits[n - 1] = 0;
        return parse_u32(digits, 100, &percent) < 0 || percent == 0 ? "is no share from 1% to 100%" : NULL;
}

static const char *check_time(const ServerRow *row, const char *value) {
        uint64_t n;

        if (parse_time_span(value, &n) < 0)
                return "is no time, such as 30s or 5min";
        return n != USEC_INFINITY && (n < row->min || n > row->max) ? "is too short or too long a time" : NULL;
}

static const char *check_bool(_unused_ const ServerRow *row, const char *value) {
        return parse_bool(value) < 0 ? "is not yes or no" : NULL;
}

static const char *check_profiles(_unused_ const ServerRow *row, const char *value) {
        char copy[PROFILES_MAX * (PROFILE_NAME_MAX + 1)];
        size_t n = 0;

        if (strlen(value) >= sizeof copy)
                return "is too long";
        strcpy(copy, value);
        for (char *rest = copy, *name; (name = strsep(&rest, " ,"));)
                if (*name && (!profile_name_valid(name) || ++n > PROFILES_MAX))
                        return "is no list of profiles";
        return NULL;
}

static const char *check_proxy(_unused_ const ServerRow *row, const char *value) {
        static const char *const schemes[] = { "http://", "https://", "socks5://", "socks5h://" };

        for (size_t i = 0; i < ELEMENTSOF(schemes); i++) {
                const char *rest = startswith(value, schemes[i]);

                if (rest && *rest && !strpbrk(rest, " \"'<>"))
                        return NULL;
        }
        return "is no proxy, such as http://proxy.example.org:3128";
}

static const char *check_hosts(_unused_ const ServerRow *row, const char *value) {
        return strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:*[], ") < strlen(value) ? "is no list of hosts" : NULL;
}

static const char *check_store(_unused_ const ServerRow *row, const char *value) {
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

        return strspn(value, allowed) < strlen(value) || strlen(value) > 63 || strchr("._-", value[0]) ? "is no name of a store" : NULL;
}

static const char *check_subnet(const ServerRow *row, const char *value) {
        unsigned prefix;
        uint32_t address;

        return !streq(value, "auto") && parse_subnet(value, row, &address, &prefix) < 0 ? "is no IPv4 network, such as 10.20.30.0/24, nor auto" : NULL;
}

static const char *(*const checks[_SERVER_TYPE_MAX])(const ServerRow *row, const char *value) = {
        [SERVER_TYPE_BOOL] = check_bool,
        [SERVER_TYPE_NUMBER] = check_number,
        [SERVER_TYPE_LIMIT] = check_limit,
        [SERVER_TYPE_SIZE] = check_size,
        [SERVER_TYPE_MEMORY] = check_memory,
        [SERVER_TYPE_TIME] = check_time,
        [SERVER_TYPE_HOSTS] = check_hosts,
        [SERVER_TYPE_PROFILES] = check_profiles,
        [SERVER_TYPE_PROXY] = check_proxy,
        [SERVER_TYPE_STORE] = check_store,
        [SERVER_TYPE_SUBNET] = check_subnet,
};

int server_check(ServerKey key, const char *value, char **ret_error) {
        const ServerRow *row = server_table + key;
        const char *reason = NULL;
        _cleanup_free_ char *escaped = NULL;

        if (strlen(value) > 4096 || !ini_value_fits(value) || strpbrk(value, "\n\r\t"))
                reason = "is not one line of text";
        else if (*value)
                reason = checks[row->type](row, value);
        if (!reason)
                return 0;
        if (string_escape(value, &escaped) < 0)
                return -ENOMEM;
        if (row->type == SERVER_TYPE_NUMBER || row->type == SERVER_TYPE_LIMIT)
                return fail(-EINVAL, ret_error, "%s: '%.60s' is no number from %llu to %llu%s.", row->name, escaped, (unsigned long long) row->min,
                            (unsigned long long) row->max, row->type == SERVER_TYPE_LIMIT ? ", nor infinity" : "");
        return fail(-EINVAL, ret_error, "%s: '%.60s' %s.", row->name, escaped, reason);
}

int server_find(const char *key, ServerKey *ret, char **ret_error) {
        _cleanup_free_ char *escaped = NULL;

        for (ServerKey k = 0; k < _SERVER_KEY_MAX; k++)
                if (streq(server_table[k].name, key) || (server_table[k].lxd && streq(server_table[k].lxd, key))) {
                        *ret = k;
                        return 0;
                }
        if (string_escape(key, &escaped) < 0)
                return -ENOMEM;
        return fail(-ENOENT, ret_error, "There is no setting '%.60s' of the server. See 'berthctl help server'.", escaped);
}

void server_settings_done(ServerSettings *s) {
        for (ServerKey k = 0; k < _SERVER_KEY_MAX; k++) {
                free(s->values[k]);
                free(s->sources[k]);
        }
        *s = (ServerSettings) {};
}

static int apply_line(ServerSettings *s, const char *path, const IniLine *l, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        ServerKey key;
        int r;

        if (!streq(l->section, SERVER_SECTION))
                r = fail(-EINVAL, &error, "There is no section [%.60s], only [" SERVER_SECTION "].", l->section);
        else {
                r = server_find(l->key, &key, &error);
                if (r >= 0)
                        r = server_check(key, l->value, &error);
        }
        if (r == -ENOENT || r == -EINVAL)
                return fail(-EBADMSG, ret_error, "%s:%u: %s", path, l->number, error);
        if (r < 0)
                return r;
        r = free_and_strdup(&s->values[key], *l->value ? l->value : NULL);
        return r < 0 ? r : free_and_strdup(&s->sources[key], *l->value ? path : NULL);
}

static int apply_file(ServerSettings *s, const char *path, char **ret_error) {
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_free_ char *text = NULL, *error = NULL;
        Ini ini = {};
        int r;

        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : fail(-EBADMSG, ret_error, "%s: %s.", path, strerror(errno));
        r = fd_read_string(fd, FILE_SIZE_MAX, &text, NULL);
        if (r < 0)
                return fail(-EBADMSG, ret_error, "%s: %s", path, strerror(-r));
        r = ini_parse(&ini, text, &error);
        if (r == -EBADMSG)
                return fail(-EBADMSG, ret_error, "%s:%s", path, error);
        for (size_t i = 0; i < ini.n_lines && r != -ENOMEM; i++) {
                _cleanup_free_ char *reason = NULL;
                int q = ini.lines[i].kind == INI_ASSIGNMENT ? apply_line(s, path, ini.lines + i, &reason) : 0;

                /* The first mistake is told; the other lines count. */
                if (q < 0 && r >= 0) {
                        r = q;
                        *ret_error = TAKE_PTR(reason);
                }
        }
        ini_done(&ini);
        return r;
}

static int is_drop_in(const struct dirent *de) {
        return de->d_name[0] != '.' && endswith(de->d_name, ".conf");
}

static int apply_directory(ServerSettings *s, const char *root, const char *directory, char **ret_error) {
        _cleanup_free_ char *file = NULL, *drop_ins = NULL;
        struct dirent **list = NULL;
        int n, r;

        if (asprintf(&file, "%s%s/" SERVER_FILE, root, directory) < 0 || asprintf(&drop_ins, "%s.d", file) < 0)
                return -ENOMEM;
        r = apply_file(s, file, ret_error);
        n = scandir(drop_ins, &list, is_drop_in, alphasort);
        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *path = NULL, *error = NULL;
                int q;

                q = i >= DROP_INS_MAX || asprintf(&path, "%s/%s", drop_ins, list[i]->d_name) < 0 ? -ENOMEM : apply_file(s, path, &error);
                if (q < 0 && r >= 0) {
                        r = q;
                        *ret_error = TAKE_PTR(error);
                }
                free(list[i]);
        }
        free(list);
        return r;
}

int server_settings_load(const char *root, ServerSettings *s, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        int r, q;

        assert(root && s && ret_error);

        *s = (ServerSettings) {};
        *ret_error = NULL;
        r = apply_directory(s, root, BERTH_VENDOR_DIR, ret_error);
        q = apply_directory(s, root, BERTH_CONFIG_DIR, &error);
        if (q < 0 && r >= 0) {
                r = q;
                *ret_error = TAKE_PTR(error);
        }
        return r;
}

const char *server_get(const ServerSettings *s, ServerKey key) {
        return s->values[key] ?: server_table[key].fallback;
}

uint64_t server_get_number(const ServerSettings *s, ServerKey key) {
        const char *value = server_get(s, key);
        uint64_t n = 0;

        switch (server_table[key].type) {
        case SERVER_TYPE_BOOL:
                return parse_bool(value) > 0;
        case SERVER_TYPE_NUMBER:
                (void) parse_u64(value, UINT64_MAX, &n);
                return n;
        case SERVER_TYPE_LIMIT:
                return parse_u64(value, UINT64_MAX, &n) < 0 ? UINT64_MAX : n;
        case SERVER_TYPE_SIZE:
        case SERVER_TYPE_MEMORY: /* a share is not for who asks for a number */
                return parse_size(value, &n) < 0 ? UINT64_MAX : n;
        case SERVER_TYPE_TIME:
                (void) parse_time_span(value, &n);
                return n;
        case SERVER_TYPE_HOSTS:
        case SERVER_TYPE_PROFILES:
        case SERVER_TYPE_PROXY:
        case SERVER_TYPE_STORE:
        case SERVER_TYPE_SUBNET:
        case _SERVER_TYPE_MAX:
                break;
        }
        return 0;
}

int server_get_subnet(const ServerSettings *s, uint32_t *ret_address, unsigned *ret_prefix) {
        const char *value = server_get(s, SERVER_BRIDGE_SUBNET);

        return streq(value, "auto") ? -ENODATA : parse_subnet(value, server_table + SERVER_BRIDGE_SUBNET, ret_address, ret_prefix);
}

static bool line_is(const IniLine *l, const ServerRow *row) {
        return l->kind == INI_ASSIGNMENT && streq(l->section, SERVER_SECTION) && (streq(l->key, row->name) || streq_ptr(row->lxd, l->key));
}

/* value: NULL takes it back. */
static int change_line(Ini *ini, const ServerRow *row, const char *value) {
        size_t at = SIZE_MAX;
        int r;

        for (size_t i = ini->n_lines; i-- > 0;)
                if (line_is(ini->lines + i, row)) {
                        ini_remove(ini, i);
                        at = i;
                }
        if (!value)
                return 0;
        for (size_t i = 0; at == SIZE_MAX && i < ini->n_lines; i++)
                if (ini->lines[i].kind == INI_SECTION && streq(ini->lines[i].section, SERVER_SECTION))
                        at = i + 1;
        if (at == SIZE_MAX) {
                r = ini_append_section(ini, SERVER_SECTION);
                if (r < 0)
                        return r;
                at = ini->n_lines;
        }
        return ini_insert_assignment(ini, at, SERVER_SECTION, row->name, value);
}

static int change(Ini *ini, char *const *assignments, char *const *unset, char **ret_error) {
        ServerKey key;
        int r;

        STRV_FOREACH(a, assignments) {
                const char *value = strchr(*a, '=');
                _cleanup_free_ char *name = NULL;

                if (!value || value == *a)
                        return fail(-EINVAL, ret_error, "'%.60s' is no assignment KEY=VALUE.", *a);
                name = strndup(*a, (size_t) (value++ - *a));
                if (!name)
                        return -ENOMEM;
                r = server_find(name, &key, ret_error);
                if (r >= 0)
                        r = server_check(key, value, ret_error);
                if (r >= 0)
                        r = change_line(ini, server_table + key, *value ? value : NULL);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(name, unset) {
                r = server_find(*name, &key, ret_error);
                if (r >= 0)
                        r = change_line(ini, server_table + key, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

int server_change(const char *text, char *const *assignments, char *const *unset, char **ret_text, char **ret_error) {
        _cleanup_free_ char *error = NULL;
        Ini ini = {};
        int r;

        r = ini_parse(&ini, text, &error);
        if (r == -EBADMSG)
                return fail(r, ret_error, BERTH_CONFIG_DIR "/" SERVER_FILE ":%s", error);
        if (r >= 0)
                r = change(&ini, assignments, unset, ret_error);
        if (r >= 0)
                r = ini_print(&ini, ret_text);
        ini_done(&ini);
        return r;
}

void server_print_help(FILE *f) {
        fputs("Settings of the server, for 'berthctl set-server KEY=VALUE' and " BERTH_CONFIG_DIR "/" SERVER_FILE ":\n\n", f);
        for (const ServerRow *row = server_table; row < server_table + _SERVER_KEY_MAX; row++) {
                fprintf(f, "  %s=%s%s\n      %s\n      Default: %s\n", row->name, row->lxd ? ", " : "", row->lxd ?: "", row->help, row->fallback);
        }
}

void server_print_manual(FILE *f) {
        for (const ServerRow *row = server_table; row < server_table + _SERVER_KEY_MAX; row++) {
                fprintf(f, "*%s=*\n\t%s. Default: %s.", row->name, row->help, row->fallback);
                if (row->lxd)
                        fprintf(f, " LXD: %s.", row->lxd);
                fputs("\n\n", f);
        }
}
