/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Words with the quoting and escapes of unit files (systemd.syntax(7), "Quoting"), and text that is safe to put on one line. */

/* Escapes \n \t \s \\ \" \' \xHH \OOO \uXXXX \UXXXXXXXX and the rest of C's; an escaped NUL is refused.
 * -EINVAL with *ret_reason (owned by the caller) for an open quote, an unknown escape, more than max_words words. */
int words_split(const char *text, size_t max_words, char ***ret, char **ret_reason);

/* The opposite: one word that words_split() reads back as it was, with quotes only where it needs them. */
int word_quote(const char *word, char **ret);
int words_join(char *const *words, char **ret);

/* Only the escapes, no quotes and no splitting, and the opposite. */
int text_unescape(const char *text, char **ret, char **ret_reason);
int text_escape(const char *text, char **ret);

/* Valid UTF-8 without control characters and without what reorders text on a terminal? */
int text_is_plain(const char *text);
