/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/macro.h"
#include "basic/strv.h"

/* What the fuzzing targets have in common. A target is one function that is given bytes; that it comes back is not all that is asked of it:
 * what must hold of every answer is checked, and what does not hold ends the process, as a report of a sanitizer does. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                                         \
        do {                                                                                    \
                if (!(condition)) {                                                             \
                        fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
                        abort();                                                                \
                }                                                                               \
        } while (0)

/* The bytes as a text, cut at the first NUL. */
static inline char *fuzz_text(const void *data, size_t size) {
        char *text = strndup(data ?: "", data ? size : 0);

        must(text);
        return text;
}

/* A line of the input, without its end; what is left stands in *data and *size. */
static inline char *fuzz_line(const uint8_t **data, size_t *size) {
        const uint8_t *end = *size > 0 ? memchr(*data, '\n', *size) : NULL;
        size_t n = end ? (size_t) (end - *data) : *size, taken = end ? n + 1 : n;
        char *line = fuzz_text(*data, n);

        *data += taken;
        *size -= taken;
        return line;
}

/* One selector byte: which of n things is meant. */
static inline size_t fuzz_choice(const uint8_t **data, size_t *size, size_t n) {
        size_t choice;

        if (*size == 0)
                return 0;
        choice = (*data)[0] % n;
        (*data)++;
        (*size)--;
        return choice;
}

/* A sentence for a person comes with a failure that promises one, and is one line. */
static inline void must_be_sentence(const char *text) {
        must(text && *text);
        must(!strpbrk(text, "\n\r\033"));
}

/* The same memfd again and again, with these bytes and at its beginning. */
int fuzz_memfd(const void *data, size_t size);
/* A directory in memory, made once; NAME in it gets these bytes. */
int fuzz_directory(void);
const char *fuzz_directory_path(void);
void fuzz_put_file(const char *name, const void *data, size_t size);
