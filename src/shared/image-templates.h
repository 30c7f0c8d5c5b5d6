/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "basic/macro.h"

/* What metadata.yaml says of an image's templates, in a form that whoever starts a container can read without YAML: the file templates.conf in
 * the image, written at the import. Lines of KEY=value, each path= beginning a template; values are escaped as in unit files. */

#define IMAGE_TEMPLATES_FILE "templates.conf"
#define IMAGE_TEMPLATES_MAX 256U
#define IMAGE_TEMPLATE_PROPERTIES_MAX 256U

typedef struct ImageTemplate {
        char *path;        /* in the container, absolute, without '..' */
        char *file;        /* in templates/ of the image */
        bool on_create, on_copy, on_start;
        bool create_only;  /* what is there already stays as it is */
        char **properties; /* "key=value" */
} ImageTemplate;

typedef struct ImageTemplates {
        ImageTemplate *items; /* owned */
        size_t n;
} ImageTemplates;

void image_templates_done(ImageTemplates *t);

/* One "KEY=value": path, file, when (create, copy, start; others are nobody's here), create-only, property. Checked; -EBADMSG. */
int image_templates_add_field(ImageTemplates *t, const char *field);

int image_templates_write(const ImageTemplates *t, int image_fd);
/* None is no error. */
int image_templates_read(int image_fd, ImageTemplates *ret);

bool image_template_path_valid(const char *path);
bool image_template_file_valid(const char *name);
