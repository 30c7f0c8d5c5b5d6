/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdio.h>

#include "machinectl-plugin/json.h"

/* A table of things: filled cell by cell, printed with aligned columns or as JSON. Cells are escaped when they are printed; one thing is
 * always one line. */

typedef struct Table Table;

typedef enum TableColumnFlags {
        TABLE_RIGHT = 1 << 0,  /* numbers */
        TABLE_SHRINK = 1 << 1, /* may be cut short when the terminal is narrow */
} TableColumnFlags;

typedef struct TableColumn {
        const char *title;
        const char *key;       /* in JSON */
        unsigned flags;
} TableColumn;

typedef struct TableStyle {
        JsonMode json;
        bool legend;
        bool colour;
        size_t width;          /* 0: as wide as it gets */
} TableStyle;

#define COLOUR_GREEN "\033[0;32m"
#define COLOUR_RED "\033[0;1;31m"
#define COLOUR_BLUE "\033[0;34m"
#define COLOUR_YELLOW "\033[0;33m"
#define COLOUR_GREY "\033[0;90m"
#define COLOUR_UNDERLINE "\033[0;4m"
#define COLOUR_OFF "\033[0m"

/* columns is borrowed, static */
int table_new(const TableColumn *columns, size_t n_columns, Table **ret);
Table *table_free(Table *t);
DEFINE_CLEANUP(Table *, table_free)

/* The next cell, row by row. Failures are kept and come out of table_print(). A NULL or empty text is shown as "-". */
void table_add_text(Table *t, const char *text, const char *colour);
/* text: how people see it (NULL: the number) */
void table_add_number(Table *t, uint64_t number, const char *text);
void table_add_size(Table *t, uint64_t bytes);
void table_add_time(Table *t, uint64_t usec);
void table_add_fraction(Table *t, double fraction); /* 0…1 as percent; negative: unknown */
void table_add_decimal(Table *t, double number, const char *text);
void table_add_list(Table *t, char *const *list);

/* By the text of the column, numbers in it by value. */
void table_sort(Table *t, size_t column);
size_t table_rows(const Table *t);

int table_print(Table *t, const TableStyle *style, FILE *f);

/* "144.3M", "17B" */
const char *format_size(uint64_t bytes, char buffer[static 16]);
/* Local time, "2026-01-31 14:05"; "-" for 0 */
const char *format_time(uint64_t usec, char buffer[static 32]);
