/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* A text of settings in the user's editor: with help below it, checked when the editor ends, and opened again with the mistake above its
 * line until it is right or left as it is. */

/* Says what is wrong with a text: -EINVAL and "FILE:LINE: reason", "FILE: reason" or a sentence. */
typedef int (*edit_check_t)(const char *text, void *userdata, char **ret_error);
/* Hands it in. -EAGAIN with a sentence: it was refused, and can be edited again; another failure has been told. */
typedef int (*edit_save_t)(Ctl *c, const char *text, void *userdata, char **ret_error);

/* What kind of text it is: the file's suffix, a comment on how it is written ('#' begins each line), and help to print below it or NULL. */
typedef struct EditKind {
        const char *suffix, *comment;
        void (*print_help)(FILE *f);
} EditKind;
int edit_text_as(Ctl *c, const EditKind *kind, const char *what, const char *text, edit_check_t check, edit_save_t save, void *userdata);

/* Settings. what: for the heading, "container 'web1'". */
int edit_text(Ctl *c, const char *what, const char *text, edit_check_t check, edit_save_t save, void *userdata);

/* Has the user change a file in his editor. */
int edit_run(const char *file);

/* Line number of a message "FILE:12: …" or "…line 12: …", 0: none. */
unsigned edit_error_line(const char *error);
