/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "basic/macro.h"
#include "shared/image-templates.h"

/* images/FINGERPRINT/image.conf: what is known of an image ("On disk" in docs/ARCHITECTURE.md). Written once, when it is imported. */

#define IMAGE_PROPERTIES_MAX 256U
#define IMAGE_PROPERTY_KEY_MAX 64U
#define IMAGE_TEXT_MAX 4096U /* a property's value, a description */

typedef enum ImageType {
        IMAGE_PLAIN,
        IMAGE_UNIFIED,
        IMAGE_SPLIT,
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

int image_conf_write(const ImageConf *c, int image_fd);
/* The value of a key of [Image], for the few that jobs want. -ENOENT. */
int image_conf_read_key(int image_fd, const char *key, char **ret);
