/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* JSON of images of applications (OCI, docker save), as the parser process reads it. */

#include "fuzz.h"
#include "worker/oci-text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static int (*const parsers[])(const char *, size_t, char ***, char **) = { oci_parse_index, oci_parse_manifest, oci_parse_docker, oci_parse_config };
        size_t i = fuzz_choice(&data, &size, ELEMENTSOF(parsers));
        _cleanup_free_ char *text = NULL, *error = NULL;
        _cleanup_strv_ char **fields = NULL;

        text = malloc(size + 1);
        must(text);
        if (size > 0)
                memcpy(text, data, size);
        text[size] = 0;
        if (parsers[i](text, size, &fields, &error) < 0) {
                must(error && *error);
                return 0;
        }
        STRV_FOREACH(f, fields)
                must(strchr(*f, '='));
        return 0;
}
