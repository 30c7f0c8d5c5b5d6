/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>
#include <sys/types.h>

#include "basic/macro.h"

/* Reads what berth keeps on disk (images/, aliases/, containers/ below the state directory) and never writes there: jobs do. All files
 * are small and berth's own; their size is bounded all the same. A record that cannot be read is its object's trouble alone. */

typedef struct ContainerRecord {
        char *image;        /* fingerprint, or "" */
        char *uuid;
        char *store;        /* NULL: the default one */
        char *description;
        uint32_t uid_base;
        uid_t owner;
        uint64_t created_usec;
        bool encrypted;
        bool ephemeral;
        bool names_privileged; /* Privileged= is in it, with whatever value */
        uint64_t start_before_usec; /* 0: none */
} ContainerRecord;

typedef struct ImageRecord {
        char *type;
        char *architecture;
        char *description;
        char *operating_system; /* "debian 13", or "" */
        char **properties;      /* "key=value" */
        uint64_t created_usec, uploaded_usec, expires_usec, size_bytes, rootfs_bytes;
        uid_t owner;
        bool public;
        char *remote, *remote_image, *source; /* where it was pulled from, or NULL */
        bool auto_update, cached;
        char *archives;         /* see shared/image-archive.h; NULL: none were kept */
} ImageRecord;

/* What a record was read from: while this is the same, so is the record. */
typedef struct StoreStamp {
        dev_t device;
        ino_t inode;
        struct timespec modified;
        off_t size;
} StoreStamp;

typedef struct StoreAlias {
        char *alias;
        char *fingerprint;
} StoreAlias;

void container_record_done(ContainerRecord *r);
void image_record_done(ImageRecord *r);

/* Names of what is there, in no order; a missing directory is an empty one. Entries with other names than berth gives are left out. */
int store_list_containers(char ***ret);
int store_list_images(char ***ret);
bool store_has_container(const char *name);
bool store_has_image(const char *fingerprint);

/* A held directory makes reading many records cheap. */
int store_open_containers(void);
int store_open_images(void);

/* -ENOENT: no such object. -EBADMSG: its record is damaged; *ret then holds what could be read, and the stamp is set. 0 when the stamp
 * (may be NULL; all zero at first) still fits and *record is left as it is, 1 when *record was read. */
int store_read_container(int containers_fd, const char *name, StoreStamp *stamp, ContainerRecord *record);
int store_read_image(int images_fd, const char *fingerprint, StoreStamp *stamp, ImageRecord *record);

/* container.conf as it is. */
int store_read_container_text(const char *name, char **ret);
/* The container has been started once: its host name and machine id have been given. */
bool store_container_was_started(const char *name);

/* When a container was last made from it; 0: never. */
uint64_t store_image_used_usec(const char *fingerprint);
/* File i of those that it was imported from, open for reading. -ENOENT. */
int store_open_image_archive(const char *fingerprint, size_t i);
/* The text of a metadata.yaml that says what the record does, and whether it is public. */
int store_image_text(const char *fingerprint, const ImageRecord *record, char **ret);

/* Sorted by alias. */
int store_list_aliases(StoreAlias **ret, size_t *ret_n);
StoreAlias *store_aliases_free(StoreAlias *aliases, size_t n);
/* -ENOENT: no such alias. */
int store_read_alias(const char *alias, char **ret_fingerprint);

/* The image that an alias, a fingerprint or the unique beginning of one means. -ENOENT; -ENOTUNIQ: *ret_candidates (may be NULL) are those
 * that it could mean. */
int store_resolve_image(const char *reference, char **ret_fingerprint, char ***ret_candidates);

/* Calls found() for every job whose remains (.new-ID, trash/ID) are on disk. Returns their number. */
typedef void (*StoreDebrisFound)(unsigned job_id, void *userdata);
int store_debris(StoreDebrisFound found, void *userdata);
