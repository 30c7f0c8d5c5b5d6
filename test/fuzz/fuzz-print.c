/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the command line prints of strangers' texts: a terminal gets nothing but lines of printable characters. */

#include <locale.h>
#include <wchar.h>

#include "fuzz.h"
#include "machinectl-plugin/bus-error.h"
#include "machinectl-plugin/progress.h"
#include "machinectl-plugin/table.h"
#include "settings/quote.h"

static void must_be_harmless(const char *text, size_t size) {
        must(strlen(text) == size);
        for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
                _cleanup_free_ char *copy = strndup(line, strcspn(line, "\n"));

                if (!copy || !text_is_plain(copy)) {
                        fprintf(stderr, "not for a terminal: \"%s\"\n", copy);
                        abort();
                }
        }
}

/* The bus lets nothing else through, and JSON has no way to write anything else. */
static void make_utf8(char *s) {
        while (*s) {
                mbstate_t state = {};
                wchar_t c = 0;
                size_t n = mbrtowc(&c, s, strlen(s), &state);

                /* glibc knows characters that are none. */
                if (n > 4 || c > 0x10ffff) {
                        *s = '?';
                        n = 1;
                }
                s += n;
        }
}

static void table(char *a, char *b, JsonMode json, size_t width) {
        static const TableColumn columns[] = { { "NAME", "name", 0 }, { "SIZE", "size", TABLE_RIGHT }, { "TEXT", "text", TABLE_SHRINK }, { "LIST", "list", 0 } };
        const TableStyle style = { .json = json, .legend = true, .width = width };
        char *list[] = { b, a, NULL };
        _cleanup_(table_freep) Table *t = NULL;
        _cleanup_free_ char *output = NULL;
        size_t n = 0, lines = 0;
        FILE *f = open_memstream(&output, &n);

        if (json != JSON_OFF) {
                make_utf8(a);
                make_utf8(b);
        }
        must(f && table_new(columns, ELEMENTSOF(columns), &t) >= 0);
        table_add_text(t, a, NULL);
        table_add_size(t, n);
        table_add_text(t, b, NULL);
        table_add_list(t, list);
        must(table_print(t, &style, f) >= 0);
        must(fclose(f) == 0);
        must_be_harmless(output, n);
        for (const char *c = output; *c; c++)
                lines += *c == '\n';
        must(json != JSON_OFF || lines == 2);
}

static void sentence(const char *a, const char *b) {
        sd_bus_error error = { .name = a, .message = b };
        _cleanup_free_ char *text = NULL, *escaped = NULL;

        must(bus_error_explain(-EIO, &error, "start", b, false, &text) >= 0);
        /* As report.h has it printed. */
        must(string_escape(text, &escaped) >= 0);
        must_be_harmless(escaped, strlen(escaped));
}

static void line(const char *text, double fraction, size_t width) {
        _cleanup_free_ char *output = NULL;

        must(progress_format(fraction, text, width, &output) >= 0);
        must_be_harmless(output, strlen(output));
}

static void use_locale(bool utf8) {
        static int used = -1;

        if (used != utf8)
                must(setlocale(LC_CTYPE, utf8 ? "C.UTF-8" : "C"));
        used = utf8;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        size_t kind = fuzz_choice(&data, &size, 6), width = fuzz_choice(&data, &size, 200);
        _cleanup_free_ char *a = fuzz_line(&data, &size), *b = fuzz_text(data, size);

        use_locale(kind != 5);
        if (kind == 5)
                table(a, b, JSON_OFF, width);
        else if (kind < 3)
                table(a, b, (JsonMode[]) { JSON_OFF, JSON_SHORT, JSON_PRETTY }[kind], width);
        else if (kind == 3)
                sentence(a, b);
        else
                line(b, (double) width / 100 - 0.5, width);
        return 0;
}
