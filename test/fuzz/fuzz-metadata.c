/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* metadata.yaml of an image, as the parser process reads it, and what is made of the fields that it sends. */

#include "fuzz.h"
#include "shared/image-templates.h"
#include "worker/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_strv_ char **fields = NULL;
        _cleanup_free_ char *error = NULL;
        ImageTemplates templates = {};

        if (metadata_parse((const char *) data, size, &fields, &error) < 0) {
                must_be_sentence(error);
                return 0;
        }
        STRV_FOREACH(f, fields) {
                const char *template = startswith(*f, "template-");

                must(strchr(*f, '='));
                if (image_templates_add_field(&templates, template ?: *f) < 0)
                        continue;
        }
        for (size_t i = 0; i < templates.n; i++) {
                must(!templates.items[i].path || image_template_path_valid(templates.items[i].path));
                must(!templates.items[i].file || image_template_file_valid(templates.items[i].file));
        }
        image_templates_done(&templates);
        return 0;
}
