/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "settings/quote.h"

#include <assert.h>
#include <stdio.h>

#include "basic/strv.h"

#define WHITESPACE " \t"

/* Both directions of the escapes that are one letter. */
static const char escape_letters[] = "abfnrtv\\\"'s";
static const char escape_values[] = "\a\b\f\n\r\t\v\\\"' ";

static int hex_value(const char *p, unsigned digits, uint32_t *ret) {
        uint32_t v = 0;

        for (unsigned i = 0; i < digits; i++) {
                char c = p[i];

                if (c >= '0' && c <= '9')
                        v = v << 4 | (uint32_t) (c - '0');
                else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                        v = v << 4 | (uint32_t) ((c | 0x20) - 'a' + 10);
                else
                        return -EINVAL;
        }
        *ret = v;
        return 0;
}

static size_t utf8_encode(uint32_t c, char out[static 4]) {
        if (c < 0x80) {
                out[0] = (char) c;
                return 1;
        }
        if (c < 0x800) {
                out[0] = (char) (0xc0 | c >> 6);
                out[1] = (char) (0x80 | (c & 0x3f));
                return 2;
        }
        if (c < 0x10000) {
                out[0] = (char) (0xe0 | c >> 12);
                out[1] = (char) (0x80 | (c >> 6 & 0x3f));
                out[2] = (char) (0x80 | (c & 0x3f));
                return 3;
        }
        out[0] = (char) (0xf0 | c >> 18);
        out[1] = (char) (0x80 | (c >> 12 & 0x3f));
        out[2] = (char) (0x80 | (c >> 6 & 0x3f));
        out[3] = (char) (0x80 | (c & 0x3f));
        return 4;
}

/* *p is behind a backslash. Writes at most 4 bytes, never more than the escape was long. */
static int unescape_one(const char **p, char **out) {
        const char *letter = **p ? strchr(escape_letters, **p) : NULL;
        char kind = **p;
        uint32_t c;

        if (letter) {
                *(*out)++ = escape_values[letter - escape_letters];
                (*p)++;
                return 0;
        }

        if (kind == 'x' || kind == 'u' || kind == 'U') {
                unsigned digits = kind == 'x' ? 2 : kind == 'u' ? 4 : 8;

                if (hex_value(*p + 1, digits, &c) < 0)
                        return -EINVAL;
                *p += 1 + digits;
        } else if (kind >= '0' && kind <= '3') {
                const char *s = *p;

                if (s[1] < '0' || s[1] > '7' || s[2] < '0' || s[2] > '7')
                        return -EINVAL;
                c = (uint32_t) ((s[0] - '0') << 6 | (s[1] - '0') << 3 | (s[2] - '0'));
                *p += 3;
        } else
                return -EINVAL;

        if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
                return -EINVAL;
        if (kind == 'u' || kind == 'U')
                *out += utf8_encode(c, *out);
        else
                *(*out)++ = (char) c;
        return 0;
}

static int explain(char **ret_reason, const char *reason) {
        *ret_reason = strdup(reason);
        return *ret_reason ? -EINVAL : -ENOMEM;
}

int words_split(const char *text, size_t max_words, char ***ret, char **ret_reason) {
        _cleanup_strv_ char **words = NULL;
        size_t n = 0;
        int r;

        assert(text);
        assert(ret);
        assert(ret_reason);

        for (const char *p = text + strspn(text, WHITESPACE); *p; p += strspn(p, WHITESPACE)) {
                _cleanup_free_ char *word = NULL;
                char *out, quote = 0;

                if (n++ >= max_words)
                        return explain(ret_reason, "has too many words");
                word = out = malloc(strlen(p) + 1);
                if (!word)
                        return -ENOMEM;

                for (; *p && (quote || !strchr(WHITESPACE, *p));) {
                        if (*p == '\\') {
                                p++;
                                if (unescape_one(&p, &out) < 0)
                                        return explain(ret_reason, "has an unknown escape after a backslash");
                        } else if (quote ? *p == quote : *p == '"' || *p == '\'') {
                                quote = quote ? 0 : *p;
                                p++;
                        } else
                                *out++ = *p++;
                }
                *out = 0;
                if (quote)
                        return explain(ret_reason, "has a quote that is not closed");

                r = strv_extend(&words, word);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(words);
        return 0;
}

int text_unescape(const char *text, char **ret, char **ret_reason) {
        _cleanup_free_ char *copy = NULL;
        char *out;

        copy = out = malloc(strlen(text) + 1);
        if (!copy)
                return -ENOMEM;

        for (const char *p = text; *p;) {
                if (*p != '\\') {
                        *out++ = *p++;
                        continue;
                }
                p++;
                if (unescape_one(&p, &out) < 0)
                        return explain(ret_reason, "has an unknown escape after a backslash");
        }
        *out = 0;
        *ret = TAKE_PTR(copy);
        return 0;
}

/* Escapes backslashes, what string_escape() finds unprintable, and the characters of `special`. */
static int escape(const char *text, const char *special, char **ret) {
        _cleanup_free_ char *marked = NULL;
        char *out;

        /* Backslashes first: string_escape() leaves them alone and writes its own. */
        marked = out = malloc(strlen(text) * 2 + 1);
        if (!marked)
                return -ENOMEM;
        for (const char *p = text; *p; p++) {
                const char *known = strchr(escape_values, *p);

                if (known && (strchr(special, *p) || (*p != '"' && *p != '\'' && *p != ' '))) {
                        *out++ = '\\';
                        *out++ = escape_letters[known - escape_values];
                } else
                        *out++ = *p;
        }
        *out = 0;

        return string_escape(marked, ret);
}

int text_escape(const char *text, char **ret) {
        _cleanup_free_ char *escaped = NULL;
        const char *from, *head = "", *tail = "";
        size_t n;
        int r;

        r = escape(text, "", &escaped);
        if (r < 0)
                return r;

        /* Blanks at either end would be cut off with those around the value, and a backslash at the end of a line would continue it. */
        from = escaped;
        n = strlen(from);
        if (n > 1 && from[0] == ' ') {
                head = "\\s";
                from++;
                n--;
        }
        if (n > 0 && from[n - 1] == ' ') {
                tail = "\\s";
                n--;
        } else if (n > 1 && from[n - 1] == '\\') {
                tail = "\\x5c";
                n -= 2;
        }
        return asprintf(ret, "%s%.*s%s", head, (int) n, from, tail) < 0 ? -ENOMEM : 0;
}

int word_quote(const char *word, char **ret) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = escape(word, "\"", &escaped);
        if (r < 0)
                return r;
        if (*word && !strpbrk(word, " '\"\\")) { /* a backslash at the end of a line would continue it */
                *ret = TAKE_PTR(escaped);
                return 0;
        }
        return asprintf(ret, "\"%s\"", escaped) < 0 ? -ENOMEM : 0;
}

int words_join(char *const *words, char **ret) {
        _cleanup_strv_ char **quoted = NULL;
        int r;

        STRV_FOREACH(w, words) {
                char *q;

                r = word_quote(*w, &q);
                if (r < 0)
                        return r;
                r = strv_consume(&quoted, q);
                if (r < 0)
                        return r;
        }
        return strv_join(quoted, " ", ret);
}

int text_is_plain(const char *text) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        r = string_escape(text, &escaped);
        if (r < 0)
                return r;
        return streq(escaped, text);
}
