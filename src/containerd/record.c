/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/record.h"

#include <assert.h>
#include <string.h>

#define BLANK " \t\r"

static char *strip(char *s) {
        char *end;

        s += strspn(s, BLANK);
        for (end = s + strlen(s); end > s && strchr(BLANK, end[-1]); end--)
                ;
        *end = 0;
        return s;
}

int record_walk(char *text, RecordField field, void *userdata) {
        const char *section = "";
        bool continues = false;
        int r;

        assert(text && field);

        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
                bool skip = continues;
                char *value, *key;
                size_t n;

                key = strip(line);
                n = strlen(key);
                /* A value may go on in the next line after a backslash; no key that is wanted here does. */
                continues = n > 0 && key[n - 1] == '\\' && key[0] != '#' && key[0] != ';';
                if (skip || n == 0 || key[0] == '#' || key[0] == ';')
                        continue;

                if (key[0] == '[') {
                        if (key[n - 1] != ']')
                                return -EBADMSG;
                        key[n - 1] = 0;
                        section = key + 1;
                        continue;
                }

                value = strchr(key, '=');
                if (!value || value == key)
                        return -EBADMSG;
                *value++ = 0;
                r = field(section, strip(key), strip(value), userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}
