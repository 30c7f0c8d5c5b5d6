/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* The text of an INI file in the manner of unit files (systemd.syntax(7)) as a list of lines, which prints back byte by byte as it was
 * read (a missing newline at the end is added). Knows sections, assignments, comments, continued lines; knows no key and no container. */

#define INI_LINE_LENGTH_MAX (32U * 1024U) /* of one assignment, continued lines together */
#define INI_LINES_MAX 16384U

typedef enum IniKind {
        INI_OTHER,      /* comment, empty line */
        INI_SECTION,
        INI_ASSIGNMENT,
} IniKind;

typedef struct IniLine {
        IniKind kind;
        unsigned number;  /* of its first line in the file, from 1; 0 for a line that was added later */
        char *raw;        /* owned: all of it, continued lines too, without the last newline */
        char *section;    /* owned: the section it is in, or begins; NULL before the first */
        char *key;        /* owned, assignments: what is left of '=' */
        char *value;      /* owned, assignments: blanks around it removed, continued lines joined by a blank */
} IniLine;

typedef struct Ini {
        IniLine *lines;   /* owned */
        size_t n_lines;
        size_t n_allocated;
} Ini;

void ini_done(Ini *ini);

/* -EBADMSG: *ret_error is "LINE: reason" (the caller's) and *ini is left empty. */
int ini_parse(Ini *ini, const char *text, char **ret_error);
int ini_print(const Ini *ini, char **ret);

/* Puts an assignment before line `at` (n_lines: at the end). The value must be one line that needs no continuation. */
int ini_insert_assignment(Ini *ini, size_t at, const char *section, const char *key, const char *value);
/* Adds a section at the end, behind an empty line. */
int ini_append_section(Ini *ini, const char *section);
void ini_remove(Ini *ini, size_t at);

/* May stand behind '=' and be read back as it is? */
bool ini_value_fits(const char *value);
