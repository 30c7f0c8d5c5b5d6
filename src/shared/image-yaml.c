/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shared/image-yaml.h"

#include <stdio.h>
#include <string.h>

#include "basic/clock.h"
#include "basic/strv.h"

/* In double quotes, where nothing has a meaning of its own but these two and control characters. */
static void print_text(FILE *f, const char *text) {
        fputc('"', f);
        for (const char *p = text; *p; p++)
                if (*p == '"' || *p == '\\')
                        fprintf(f, "\\%c", *p);
                else if (*p == '\n')
                        fputs("\\n", f);
                else if ((unsigned char) *p < ' ' || *p == 0x7f)
                        fprintf(f, "\\x%02x", (unsigned char) *p);
                else
                        fputc(*p, f);
        fputc('"', f);
}

static void print_map(FILE *f, int indentation, char *const *pairs) {
        STRV_FOREACH(p, pairs) {
                size_t n = strcspn(*p, "=");

                /* The name of a property could be a number or "no". */
                fprintf(f, "%*s\"%.*s\": ", indentation, "", (int) n, *p);
                print_text(f, (*p)[n] ? *p + n + 1 : "");
                fputc('\n', f);
        }
}

static void print_template(FILE *f, const ImageTemplate *t) {
        const struct {
                bool is;
                const char *name;
        } when[] = { { t->on_create, "create" }, { t->on_copy, "copy" }, { t->on_start, "start" } };

        fputs("  ", f);
        print_text(f, t->path);
        fputs(":\n    when:", f);
        if (!t->on_create && !t->on_copy && !t->on_start)
                fputs(" []", f);
        fputc('\n', f);
        for (size_t i = 0; i < ELEMENTSOF(when); i++)
                if (when[i].is)
                        fprintf(f, "      - %s\n", when[i].name);
        fputs("    template: ", f);
        print_text(f, t->file);
        fputc('\n', f);
        if (t->create_only)
                fputs("    create_only: true\n", f);
        if (t->properties) {
                fputs("    properties:\n", f);
                print_map(f, 6, t->properties);
        }
}

int image_yaml_print(const ImageYaml *y, char **ret) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        if (!f)
                return -errno;
        fprintf(f, "architecture: %s\ncreation_date: %llu\n", y->architecture ?: "", (unsigned long long) (y->created_usec / USEC_PER_SEC));
        if (y->expires_usec > 0)
                fprintf(f, "expiry_date: %llu\n", (unsigned long long) (y->expires_usec / USEC_PER_SEC));
        fprintf(f, "properties:%s\n", y->properties ? "" : " {}");
        print_map(f, 2, y->properties);
        if (y->templates && y->templates->n > 0) {
                fputs("templates:\n", f);
                for (size_t i = 0; i < y->templates->n; i++)
                        print_template(f, y->templates->items + i);
        }
        if (y->public >= 0)
                fprintf(f, "public: %s\n", y->public ? "true" : "false");
        if (fclose(f) != 0) {
                free(text);
                return -ENOMEM;
        }
        *ret = text;
        return 0;
}
