/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/table.h"

#include <assert.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <time.h>
#include <wchar.h>

#include "basic/strv.h"

typedef struct Cell {
        char *text;         /* owned: escaped, as people see it */
        size_t width;       /* of text, in columns of a terminal; set by table_print() */
        const char *colour; /* static, or NULL */
        json_object *json;  /* owned */
} Cell;

struct Table {
        const TableColumn *columns;
        size_t n_columns;
        Cell *cells;
        size_t n_cells, n_allocated;
        size_t sort_column;
        int error;
};

int table_new(const TableColumn *columns, size_t n_columns, Table **ret) {
        Table *t = calloc(1, sizeof *t);

        if (!t)
                return -ENOMEM;
        t->columns = columns;
        t->n_columns = n_columns;
        *ret = t;
        return 0;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;
        for (size_t i = 0; i < t->n_cells; i++) {
                free(t->cells[i].text);
                json_object_put(t->cells[i].json);
        }
        free(t->cells);
        free(t);
        return NULL;
}

size_t table_rows(const Table *t) {
        return t->n_cells / t->n_columns;
}

/* Takes json; text is copied. */
static void add(Table *t, const char *text, json_object *json, const char *colour) {
        if (t->n_cells == t->n_allocated) {
                size_t n = MAX_OF(t->n_allocated * 2, t->n_columns * 8);
                Cell *p = reallocarray(t->cells, n, sizeof *p);

                if (!p) {
                        json_object_put(json);
                        t->error = -ENOMEM;
                        return;
                }
                t->cells = p;
                t->n_allocated = n;
        }
        t->cells[t->n_cells] = (Cell) { .json = json, .colour = colour };
        if (string_escape(isempty(text) ? "-" : text, &t->cells[t->n_cells].text) < 0)
                t->error = -ENOMEM;
        t->n_cells++;
}

void table_add_text(Table *t, const char *text, const char *colour) {
        add(t, text, text ? json_object_new_string(text) : NULL, colour);
}

void table_add_number(Table *t, uint64_t number, const char *text) {
        char buffer[DECIMAL_MAX];

        snprintf(buffer, sizeof buffer, "%llu", (unsigned long long) number);
        add(t, text ?: buffer, json_object_new_uint64(number), NULL);
}

void table_add_size(Table *t, uint64_t bytes) {
        char buffer[16];

        table_add_number(t, bytes, format_size(bytes, buffer));
}

void table_add_time(Table *t, uint64_t usec) {
        char buffer[32];

        table_add_number(t, usec, format_time(usec, buffer));
}

void table_add_fraction(Table *t, double fraction) {
        char buffer[16] = "-";

        if (fraction >= 0)
                snprintf(buffer, sizeof buffer, "%d%%", (int) (MIN_OF(fraction, 1.0) * 100));
        add(t, buffer, fraction >= 0 ? json_object_new_double(fraction) : NULL, NULL);
}

void table_add_decimal(Table *t, double number, const char *text) {
        add(t, text, json_object_new_double_s(number, text), NULL);
}

void table_add_list(Table *t, char *const *list) {
        _cleanup_free_ char *text = NULL;
        json_object *array = json_object_new_array();

        if (!array || strv_join(list, ", ", &text) < 0)
                t->error = -ENOMEM;
        STRV_FOREACH(s, list)
                json_object_array_add(array, json_object_new_string(*s));
        add(t, text, array, NULL);
}

static int compare_rows(const void *a, const void *b, void *userdata) {
        const Table *t = userdata;
        const Cell *x = (const Cell *) a + t->sort_column, *y = (const Cell *) b + t->sort_column;

        if (json_object_get_type(x->json) == json_type_int && json_object_get_type(y->json) == json_type_int) {
                uint64_t m = json_object_get_uint64(x->json), n = json_object_get_uint64(y->json);

                return (m > n) - (m < n);
        }
        return strverscmp(x->text, y->text);
}

void table_sort(Table *t, size_t column) {
        if (t->error < 0 || t->n_cells == 0)
                return;
        t->sort_column = column;
        qsort_r(t->cells, table_rows(t), t->n_columns * sizeof(Cell), compare_rows, t);
}

/* Columns of a terminal that the first max_bytes of s take; s is valid UTF-8 (it went through string_escape()). */
static size_t display_width(const char *s) {
        mbstate_t state = {};
        size_t width = 0;

        while (*s) {
                wchar_t c;
                size_t n = mbrtowc(&c, s, MB_CUR_MAX, &state);
                int w;

                if (n == (size_t) -1 || n == (size_t) -2 || n == 0)
                        return width + strlen(s);
                w = wcwidth(c);
                width += w > 0 ? (size_t) w : 0;
                s += n;
        }
        return width;
}

/* Cuts text to at most width columns, the last of them "…". */
static void shorten(char *text, size_t width) {
        const char *begin = text;
        mbstate_t state = {};
        size_t used = 0;

        while (*text) {
                wchar_t c;
                size_t n = mbrtowc(&c, text, MB_CUR_MAX, &state);
                int w = n <= MB_LEN_MAX && n > 0 ? wcwidth(c) : 1;

                if (used + (size_t) MAX_OF(w, 0) + 1 > width && display_width(text) > width - used) {
                        /* Where the locale knows no UTF-8, each byte was taken for a character. */
                        while (text > begin && ((unsigned char) *text & 0xc0) == 0x80)
                                text--;
                        /* "…" is three bytes; what is cut is longer than a column, but maybe not than three bytes. */
                        if (strlen(text) >= 3)
                                strcpy(text, "…");
                        else
                                strcpy(text, "~");
                        return;
                }
                used += (size_t) MAX_OF(w, 0);
                text += n <= MB_LEN_MAX && n > 0 ? n : 1;
        }
}

static int print_json(const Table *t, JsonMode mode, FILE *f) {
        _cleanup_json_ json_object *array = json_object_new_array();

        if (!array)
                return -ENOMEM;
        for (size_t row = 0; row < table_rows(t); row++) {
                json_object *o = json_object_new_object();

                if (!o)
                        return -ENOMEM;
                for (size_t i = 0; i < t->n_columns; i++)
                        json_object_object_add(o, t->columns[i].key, json_object_get(t->cells[row * t->n_columns + i].json));
                json_object_array_add(array, o);
        }
        return json_print(array, mode, f);
}

static void print_cell(const TableColumn *column, const char *text, size_t width, size_t room, bool last, const char *colour, FILE *f) {
        int padding = room > width ? (int) (room - width) : 0;

        if (column->flags & TABLE_RIGHT)
                fprintf(f, "%*s", padding, "");
        if (colour)
                fputs(colour, f);
        fputs(text, f);
        if (colour)
                fputs(COLOUR_OFF, f);
        if (!(column->flags & TABLE_RIGHT) && !last)
                fprintf(f, "%*s", padding, "");
        fputc(last ? '\n' : ' ', f);
}

/* Takes columns from those that can do with less, from the widest first. */
static bool narrow(const Table *t, size_t *rooms) {
        size_t widest = t->n_columns;

        for (size_t i = 0; i < t->n_columns; i++)
                if ((t->columns[i].flags & TABLE_SHRINK) && rooms[i] > MAX_OF(strlen(t->columns[i].title), (size_t) 1) &&
                    (widest == t->n_columns || rooms[i] > rooms[widest]))
                        widest = i;
        if (widest == t->n_columns)
                return false;
        rooms[widest]--;
        return true;
}

static void fit(Table *t, size_t *rooms, size_t width) {
        size_t total = t->n_columns - 1;

        for (size_t i = 0; i < t->n_columns; i++)
                total += rooms[i];
        while (total > width && narrow(t, rooms))
                total--;

        for (size_t k = 0; k < t->n_cells; k++) {
                Cell *cell = t->cells + k;

                if (cell->width > rooms[k % t->n_columns]) {
                        shorten(cell->text, rooms[k % t->n_columns]);
                        cell->width = display_width(cell->text);
                }
        }
}

int table_print(Table *t, const TableStyle *style, FILE *f) {
        _cleanup_free_ size_t *rooms = NULL;

        assert(t && style && f);

        if (t->error < 0)
                return t->error;
        assert(t->n_cells % t->n_columns == 0);
        if (style->json != JSON_OFF)
                return print_json(t, style->json, f);

        /* Widths are those of UTF-8, whatever locale the caller has: bytes that are not valid have been escaped. */
        (void) setlocale(LC_CTYPE, "C.UTF-8");

        rooms = calloc(t->n_columns, sizeof *rooms);
        if (!rooms)
                return -ENOMEM;
        for (size_t i = 0; i < t->n_columns; i++)
                rooms[i] = style->legend ? strlen(t->columns[i].title) : 0;
        for (size_t k = 0; k < t->n_cells; k++) {
                t->cells[k].width = display_width(t->cells[k].text);
                rooms[k % t->n_columns] = MAX_OF(rooms[k % t->n_columns], t->cells[k].width);
        }
        if (style->width > 0)
                fit(t, rooms, style->width);

        for (size_t i = 0; style->legend && i < t->n_columns; i++)
                print_cell(t->columns + i, t->columns[i].title, strlen(t->columns[i].title), rooms[i], i + 1 == t->n_columns,
                           style->colour ? COLOUR_UNDERLINE : NULL, f);
        for (size_t k = 0; k < t->n_cells; k++) {
                const Cell *cell = t->cells + k;
                size_t i = k % t->n_columns;

                print_cell(t->columns + i, cell->text, cell->width, rooms[i], i + 1 == t->n_columns,
                           style->colour ? cell->colour : NULL, f);
        }
        return 0;
}

const char *format_size(uint64_t bytes, char buffer[static 16]) {
        static const char units[] = "BKMGTPE";
        double value = (double) bytes;
        size_t i = 0;

        while (value >= 1024 && i + 2 < sizeof units) {
                value /= 1024;
                i++;
        }
        snprintf(buffer, 16, i == 0 ? "%.0f%c" : "%.1f%c", value, units[i]);
        return buffer;
}

const char *format_time(uint64_t usec, char buffer[static 32]) {
        time_t t = (time_t) (usec / USEC_PER_SEC);
        struct tm tm;

        if (usec == 0 || usec == USEC_INFINITY || !localtime_r(&t, &tm) || strftime(buffer, 32, "%Y-%m-%d %H:%M", &tm) == 0)
                strcpy(buffer, "-");
        return buffer;
}
