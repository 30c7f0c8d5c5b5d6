/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What servers of images say: lists of simplestreams, as the parser process reads them, and checksums. */

#include "fuzz.h"
#include "worker/catalog.h"
#include "worker/checksums.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t i = fuzz_choice(&data, &size, 4), n = 0;
        char hash[FINGERPRINT_LENGTH + 1];
        _cleanup_free_ char *text = malloc(size + 1), *answer = NULL;
        FILE *f;
        int r;

        must(text);
        if (size > 0)
                memcpy(text, data, size);
        text[size] = 0;
        if (i == 3) {
                r = checksums_find(text, "x.tar.xz", hash);
                must(r == -ENOENT || fingerprint_valid(hash));
                return 0;
        }
        f = open_memstream(&answer, &n);
        must(f);
        r = i == 0 ? catalog_parse_index(text, size, f) : catalog_parse_products(text, size, i == 1 ? NULL : "debian/12", "x86_64", f);
        must(fclose(f) == 0);
        /* All of a list is lines, one image is fields. */
        for (const char *p = answer; r >= 0 && i != 1 && p < answer + n; p += strlen(p) + 1)
                must(strchr(p, '='));
        return 0;
}
