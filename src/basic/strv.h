/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string.h>

#include "basic/macro.h"

/* Strings and NULL-terminated string vectors. NULL is the empty vector. */

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

static inline bool streq_ptr(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static inline bool isempty(const char *s) {
        return !s || !*s;
}

/* The rest of s after prefix, or NULL. */
static inline const char *startswith(const char *s, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

/* The suffix in s, or NULL. */
const char *endswith(const char *s, const char *suffix);

char **strv_free(char **l);
DEFINE_CLEANUP(char **, strv_free)
#define _cleanup_strv_ _cleanup_(strv_freep)

size_t strv_length(char *const *l);
int strv_extend(char ***l, const char *value);             /* copies */
int strv_extendf(char ***l, const char *format, ...) _printf_(2, 3);
int strv_consume(char ***l, char *value);                  /* takes value, frees it on failure */
int strv_copy(char *const *l, char ***ret);
char *const *strv_find(char *const *l, const char *value); /* NULL when not there */
int strv_join(char *const *l, const char *separator, char **ret);

/* The value of the first "KEY=value" entry, or NULL. */
const char *strv_get_value(char *const *l, const char *key);

#define STRV_FOREACH(s, l) for (char *const *s = (l); s && *s; s++)

/* s in *p is replaced by a copy; NULL clears. */
int free_and_strdup(char **p, const char *s);

/* A printable copy: control characters and invalid UTF-8 become \xNN, so that text from an archive or a guest can go to a terminal. */
int string_escape(const char *s, char **ret);

/* Whole-string decimal numbers; -EINVAL for anything else, -ERANGE past max. */
int parse_u64(const char *s, uint64_t max, uint64_t *ret);
int parse_u32(const char *s, uint32_t max, uint32_t *ret);
int parse_bool(const char *s); /* 1, 0, or -EINVAL: 1/yes/y/true/t/on and their opposites, as in unit files */
