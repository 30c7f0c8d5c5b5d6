/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "shared/image-templates.h"

/* The text of a metadata.yaml that says what is known of an image, for people to edit and for what is published. */

typedef struct ImageYaml {
        const char *architecture; /* NULL: unknown */
        uint64_t created_usec, expires_usec; /* 0: none */
        char *const *properties;  /* "key=value" */
        const ImageTemplates *templates;
        int public;               /* berth's own key; negative: is left out */
} ImageYaml;

int image_yaml_print(const ImageYaml *y, char **ret);
