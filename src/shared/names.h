/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Names that people give, names of units, and where things are. The names are checked here and nowhere else. */

#define CONTAINER_NAME_MAX 63U /* one label of a host name, RFC 1035 */
#define ALIAS_NAME_MAX 128U
#define FINGERPRINT_LENGTH 64U /* SHA-256, lower-case hex */

/* a-z, 0-9 and '-', 1…63 characters, begins with a letter or digit, does not end with '-'. */
bool container_name_valid(const char *name);
/* Letters, digits, '.', '_', '+', '-', '/' between non-empty parts; begins with a letter or digit; no '.' or '..' part. */
bool alias_valid(const char *alias);
bool fingerprint_valid(const char *fingerprint);       /* all 64 characters */
bool fingerprint_prefix_valid(const char *prefix);     /* 1…64 characters */

/* A sentence for a person that says what is wrong with the name. */
int container_name_explain(const char *name, char **ret);

/* aliases/ holds one symlink an alias; '/' is written '!' there. */
int alias_to_file_name(const char *alias, char **ret);
int alias_from_file_name(const char *file_name, char **ret);

int container_unit(const char *name, char **ret);       /* berth@NAME.service */
int container_scope(const char *name, char **ret);      /* berth-NAME.scope */
const char *container_from_unit(const char *unit, char buffer[static CONTAINER_NAME_MAX + 1]); /* NULL when it is none */
int job_unit(unsigned id, char **ret);                  /* berth-job-ID.service */
int job_from_unit(const char *unit, unsigned *ret);     /* -EINVAL when it is none */

/* Below the state directory, relative to its fd */
#define DIR_IMAGES "images"
#define DIR_ALIASES "aliases"
#define DIR_CONTAINERS "containers"
#define DIR_TRASH "trash"
#define DIR_UID_LEASES "uid-leases"

/* What the disk holds belongs to this range (systemd's foreign UID range, uid-gid documentation of systemd >= 257). */
#define FOREIGN_UID_BASE 2147352576U
#define UID_RANGE_SIZE 65536U
/* The range that systemd reserves for containers (systemd's uid-gid documentation: 524288…1879048191). */
#define CONTAINER_UID_MIN 524288U
#define CONTAINER_UID_MAX 1879048191U

#define BERTH_SLICE "machine-berth.slice"
