/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/json.h"

#include <assert.h>

#include "basic/strv.h"

static const char *const mode_names[_JSON_MODE_MAX] = {
        [JSON_OFF] = "off",
        [JSON_SHORT] = "short",
        [JSON_PRETTY] = "pretty",
};

JsonMode json_mode_from_string(const char *s) {
        for (int i = 0; i < _JSON_MODE_MAX; i++)
                if (streq(mode_names[i], s))
                        return i;
        return _JSON_MODE_INVALID;
}

/* json-c escapes the controls below U+0020; left are DEL, the C1 controls and the marks that change the direction of text, which in
 * UTF-8 are 2 and 3 bytes long. The bus lets no other than valid UTF-8 through. */
static size_t dangerous(const unsigned char *s, unsigned *ret) {
        unsigned c;

        if (s[0] == 0x7f) {
                *ret = 0x7f;
                return 1;
        }
        if (s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f) {
                *ret = s[1];
                return 2;
        }
        if (s[0] == 0xd8 && s[1] == 0x9c) {
                *ret = 0x61c;
                return 2;
        }
        if (s[0] == 0xe2 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
                c = 0x2000U | (s[1] & 0x3fU) << 6 | (s[2] & 0x3fU);
                if (c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069)) {
                        *ret = c;
                        return 3;
                }
        }
        return 0;
}

int json_print(json_object *o, JsonMode mode, FILE *f) {
        int flags = JSON_C_TO_STRING_NOSLASHESCAPE | (mode == JSON_PRETTY ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED : 0);
        const char *text;

        assert(mode != JSON_OFF);

        text = json_object_to_json_string_ext(o, flags);
        if (!text)
                return -ENOMEM;

        while (*text) {
                unsigned c = 0;
                size_t n = dangerous((const unsigned char *) text, &c);

                if (n > 0) {
                        fprintf(f, "\\u%04x", c);
                        text += n;
                } else
                        fputc(*text++, f);
        }
        fputc('\n', f);
        return 0;
}
