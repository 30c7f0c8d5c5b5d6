/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "basic/macro.h"
#include "shared/image-templates.h"

/* images/FINGERPRINT/image.conf: what is known of an image ("On disk" in docs/ARCHITECTURE.md). Written when it is imported, and again when
 * somebody describes it otherwise. */

#define IMAGE_PROPERTIES_MAX 256U
#define IMAGE_PROPERTY_KEY_MAX 64U
#define IMAGE_TEXT_MAX 4096U /* a property's value, a description */

typedef enum ImageType {
        IMAGE_PLAIN,
        IMAGE_UNIFIED,
        IMAGE_SPLIT,
        IMAGE_OCI,
        _IMAGE_TYPE_MAX,
} ImageType;

const char *image_type_to_string(ImageType t);

typedef struct ImageConf {
        char fingerprint[65];
        ImageType type;
        char *architecture; /* owned, as the next; NULL when unknown */
        char *description;
        uint64_t created_usec, uploaded_usec, expires_usec; /* 0: none */
        uint64_t size_bytes, rootfs_bytes;
        uint64_t dropped_devices;
        uid_t owner;         /* who imported it */
        bool public;         /* everybody sees it */
        char *remote;        /* owned, as the next: where it was pulled from by its name, or NULL */
        char *remote_image;  /* the name it was asked for by */
        char *source;        /* owned: the URL it was pulled from */
        bool auto_update;    /* kept in step with the remote */
        bool cached;         /* pulled for a container only: goes when it has not been used for long */
        char **archives;     /* owned: of what kind each file is that was imported and kept ("tar.xz"), see image-archive.h; NULL: none is */
        char **properties; /* owned, "key=value" */
        ImageTemplates templates; /* owned; a file of its own */
} ImageConf;

void image_conf_done(ImageConf *c);

/* Letters, digits, '.', '_', '-'. */
bool image_property_key_valid(const char *key);
/* One line of printable text. */
bool image_text_valid(const char *text);
/* Replaces a property of the same key. -EINVAL, -E2BIG. */
int image_conf_set_property(ImageConf *c, const char *key, const char *value);
/* None is no error. */
int image_conf_unset_property(ImageConf *c, const char *key);

/* A new file, not flushed: the whole image is before it gets its name. */
int image_conf_write(const ImageConf *c, int image_fd);
/* In place of the one that is there; durable on return. */
int image_conf_replace(const ImageConf *c, int image_fd);
/* Without the templates. -EBADMSG. */
int image_conf_read(int image_fd, ImageConf *ret);
/* Notes that a container has been made from it; whoever flushes the file system next makes it durable. */
int image_conf_note_use(int image_fd);
/* The value of a key of [Image], for the few that jobs want. -ENOENT. */
int image_conf_read_key(int image_fd, const char *key, char **ret);
