/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "basic/macro.h"

/* What is set for all of the host, in berth.conf (berth.conf(5)): one row a key. Files in the order in which they count:
 * /usr/lib/berth/berth.conf, the *.conf of its berth.conf.d, /etc/berth/berth.conf, which berthctl set-server writes, and those of
 * its berth.conf.d. Of several assignments the last one counts; an empty one goes back to the default. */

#define SERVER_SECTION "Server"
#define SERVER_FILE "berth.conf" /* in BERTH_CONFIG_DIR */

typedef enum ServerKey {
        SERVER_BRIDGE_SUBNET,
        SERVER_CONTAINERS_MAX,
        SERVER_CONTAINERS_PER_USER_MAX,
        SERVER_DEFAULT_PROFILES,
        SERVER_DEFAULT_STORE,
        SERVER_DISK_PER_USER_MAX,
        SERVER_DOWNLOAD_STALL,
        SERVER_IDLE_EXIT,
        SERVER_IMAGES_EXPIRY,
        SERVER_IMAGES_PER_USER_MAX,
        SERVER_JOBS_PER_USER_MAX,
        SERVER_KEEP_ARCHIVES,
        SERVER_KEY_DERIVATION,
        SERVER_MEMORY_PER_USER_MAX,
        SERVER_PROXY_HTTP,
        SERVER_PROXY_HTTPS,
        SERVER_PROXY_IGNORE_HOSTS,
        SERVER_RUNNING_PER_USER_MAX,
        SERVER_SNAPSHOTS_PER_USER_MAX,
        SERVER_SPARE_WORKER,
        _SERVER_KEY_MAX,
} ServerKey;

typedef enum ServerType {
        SERVER_TYPE_BOOL,
        SERVER_TYPE_NUMBER,   /* min…max */
        SERVER_TYPE_LIMIT,    /* min…max, or infinity */
        SERVER_TYPE_SIZE,     /* bytes, or infinity */
        SERVER_TYPE_MEMORY,   /* bytes, percent of the host's, or infinity */
        SERVER_TYPE_TIME,     /* min…max microseconds, or infinity */
        SERVER_TYPE_HOSTS,    /* names, separated by blanks or commas */
        SERVER_TYPE_PROFILES,
        SERVER_TYPE_PROXY,    /* a URL */
        SERVER_TYPE_STORE,    /* its name */
        SERVER_TYPE_SUBNET,   /* IPv4, or auto */
        _SERVER_TYPE_MAX,
} ServerType;

typedef struct ServerRow {
        const char *name;
        const char *lxd;      /* LXD's key that means the same, or NULL */
        ServerType type;
        uint64_t min, max;
        const char *fallback;
        const char *help;     /* one line */
} ServerRow;

extern const ServerRow server_table[_SERVER_KEY_MAX];

typedef struct ServerSettings {
        char *values[_SERVER_KEY_MAX];  /* owned; NULL: the fallback holds */
        char *sources[_SERVER_KEY_MAX]; /* owned: the file that said it */
} ServerSettings;

void server_settings_done(ServerSettings *s);

/* root: as in settings_load_at(). -EBADMSG: *ret_error is "FILE:LINE: Key: reason"; *s has what all other lines say. */
int server_settings_load(const char *root, ServerSettings *s, char **ret_error);

const char *server_get(const ServerSettings *s, ServerKey key);
/* Of what has been checked. */
uint64_t server_get_number(const ServerSettings *s, ServerKey key); /* numbers, sizes in bytes, times in microseconds, 0 and 1; UINT64_MAX: infinity */
/* -ENODATA: auto. address in host order, of the network */
int server_get_subnet(const ServerSettings *s, uint32_t *ret_address, unsigned *ret_prefix);

/* By name or LXD's key. -ENOENT with a sentence. */
int server_find(const char *key, ServerKey *ret, char **ret_error);
/* -EINVAL: *ret_error is "Key: 'value' reason." */
int server_check(ServerKey key, const char *value, char **ret_error);

/* The text of berth.conf with KEY=VALUE set and keys taken back; comments stay. -EINVAL, -ENOENT as above, -EBADMSG: the old text has a mistake. */
int server_change(const char *text, char *const *assignments, char *const *unset, char **ret_text, char **ret_error);

void server_print_help(FILE *f);
void server_print_manual(FILE *f);
