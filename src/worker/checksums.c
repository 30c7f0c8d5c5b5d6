/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/checksums.h"

#include "basic/strv.h"

/* "HASH  NAME", "HASH *NAME" */
static const char *name_in_line(const char *line, size_t n, size_t *ret_size) {
        const char *name = line + FINGERPRINT_LENGTH + 2;

        if (n < FINGERPRINT_LENGTH + 2 || line[FINGERPRINT_LENGTH] != ' ' || (name[-1] != ' ' && name[-1] != '*'))
                return NULL;
        n -= FINGERPRINT_LENGTH + 2;
        if (n > 2 && startswith(name, "./")) {
                name += 2;
                n -= 2;
        }
        *ret_size = n;
        return name;
}

int checksums_find(const char *text, const char *file, char ret[static FINGERPRINT_LENGTH + 1]) {
        size_t length = strlen(file);

        for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                size_t n = strcspn(line, "\n"), size;
                char hash[FINGERPRINT_LENGTH + 1];
                const char *name;

                if (n > 0 && line[n - 1] == '\r')
                        n--;
                name = name_in_line(line, n, &size);
                if (!name || size != length || memcmp(name, file, length) != 0)
                        continue;
                memcpy(hash, line, FINGERPRINT_LENGTH);
                hash[FINGERPRINT_LENGTH] = 0;
                for (char *c = hash; *c; c++)
                        if (*c >= 'A' && *c <= 'F')
                                *c = (char) (*c - 'A' + 'a');
                if (fingerprint_valid(hash)) {
                        memcpy(ret, hash, sizeof hash);
                        return 0;
                }
        }
        return -ENOENT;
}
