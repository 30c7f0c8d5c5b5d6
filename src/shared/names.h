/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>

#include "basic/macro.h"

/* Names that people give, names of units, and where things are. The names are checked here and nowhere else. */

#define CONTAINER_NAME_MAX 63U /* one label of a host name, RFC 1035 */
#define ALIAS_NAME_MAX 128U
#define FINGERPRINT_LENGTH 64U /* SHA-256, lower-case hex */
#define SNAPSHOT_NAME_MAX 63U
#define SNAPSHOTS_PER_CONTAINER_MAX 1000U

/* a-z, 0-9 and '-', 1…63 characters, begins with a letter or digit, does not end with '-'. */
bool container_name_valid(const char *name);
/* Letters, digits, '.', '_', '+', '-', '/' between non-empty parts; begins with a letter or digit; no '.' or '..' part. */
bool alias_valid(const char *alias);
bool fingerprint_valid(const char *fingerprint);       /* all 64 characters */
bool fingerprint_prefix_valid(const char *prefix);     /* 1…64 characters */

/* A sentence for a person that says what is wrong with the name. */
int container_name_explain(const char *name, char **ret);

/* Letters, digits, '.', '_', '+', ':' and '-', 1…63 characters, begins with a letter or digit. */
bool snapshot_name_valid(const char *name);
int snapshot_name_explain(const char *name, char **ret);

/* aliases/ holds one symlink an alias; '/' is written '!' there. */
int alias_to_file_name(const char *alias, char **ret);
int alias_from_file_name(const char *file_name, char **ret);

int container_unit(const char *name, char **ret);       /* berth@NAME.service */
int container_scope(const char *name, char **ret);      /* berth-NAME.scope */
/* StatusText of berth@NAME.service while its payload runs and has not said that it is ready; what a guest says comes with a prefix. */
#define STATUS_BOOTS "Waiting for the guest to be ready"
const char *container_from_unit(const char *unit, char buffer[static CONTAINER_NAME_MAX + 1]); /* NULL when it is none */
int job_unit(unsigned id, char **ret);                  /* berth-job-ID.service */
int job_from_unit(const char *unit, unsigned *ret);     /* -EINVAL when it is none */

/* Below the state directory, relative to its fd */
#define DIR_IMAGES "images"
#define DIR_ALIASES "aliases"
#define DIR_CONTAINERS "containers"
#define DIR_LAYERS "layers"
/* In BERTH_CONFIG_DIR and BERTH_VENDOR_DIR: files of stores (storage/storage.h). */
#define STORES_DIR "stores.d"
#define DIR_SNAPSHOTS "snapshots" /* of a container */
#define DIR_TRASH "trash"
#define DIR_UID_LEASES "uid-leases"

/* In images/, before its fingerprint: one that was removed while containers lie on it, and that is nobody's image any more. */
#define KEPT_PREFIX ".kept-"

/* What the disk holds belongs to this range (systemd's foreign UID range, uid-gid documentation of systemd >= 257). */
#define FOREIGN_UID_BASE 2147352576U
#define UID_RANGE_SIZE 65536U
/* Inside another container (foreign-range.h): the last but one below those of containers, above what adduser(8) gives to the first users for theirs. */
#define NESTED_FOREIGN_UID_BASE 393216U
/* On disk, what containers with more than UID_RANGE_SIZE ids have beyond: id 65536 and so on. Below a directory that is root's alone. */
#define FURTHER_UID_BASE 2147483648U
/* The range that systemd reserves for containers (systemd's uid-gid documentation: 524288…1879048191). */
#define CONTAINER_UID_MIN 524288U
#define CONTAINER_UID_MAX 1879048191U

#define BERTH_SLICE "machine-berth.slice"
/* Of a user who is not root: below the slice that logind has for him. */
#define BERTH_USER_SLICE "user-%u-berth.slice"
#define BERTH_SLICE_MAX 256U

/* The slice of a container's units: what the settings say (may be NULL), or that of its owner. Borrows from wanted, or writes to buffer. */
const char *container_slice(const char *wanted, uid_t owner, char buffer[static BERTH_SLICE_MAX]);
