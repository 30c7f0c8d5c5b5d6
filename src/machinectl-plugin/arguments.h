/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "basic/macro.h"

/* The command line, split into verb, words and options. One table of options for all verbs (arguments.c); which verb takes which is in
 * the verb table. Values are kept as they were written: the verb that uses one parses it. Nothing here touches the system. */

typedef enum Option {
        /* of every verb */
        OPTION_HELP,
        OPTION_VERSION,
        OPTION_ADDRESS,
        OPTION_DEBUG,
        OPTION_QUIET,
        OPTION_JSON,
        OPTION_NO_LEGEND,
        OPTION_NO_PAGER,
        OPTION_FULL,
        OPTION_NO_ASK_PASSWORD,
        _OPTION_COMMON_MAX,
        /* of some */
        OPTION_FORCE = _OPTION_COMMON_MAX,
        OPTION_TIMEOUT,
        OPTION_SIGNAL,
        OPTION_KILL_WHOM,
        OPTION_TTY,
        OPTION_NO_TTY,
        OPTION_USER,
        OPTION_CWD,
        OPTION_ENV,
        OPTION_EPHEMERAL,
        OPTION_ENCRYPTED,
        OPTION_KEY_FILE,
        OPTION_SET,
        OPTION_DEVICE,
        OPTION_ALIAS,
        OPTION_DESCRIPTION,
        OPTION_PROPERTY,
        OPTION_VALUE,
        OPTION_SHOW_LOG,
        OPTION_LINES,
        OPTION_NOW,
        OPTION_EFFECTIVE,
        OPTION_APPLIED,
        OPTION_PROFILE,
        OPTION_NO_PROFILES,
        OPTION_RECURSIVE,
        OPTION_MODE,
        OPTION_UID,
        OPTION_GID,
        OPTION_DETACH,
        OPTION_KEEP,
        OPTION_RM,
        OPTION_NAME,
        OPTION_PRESEED,
        OPTION_AUTO,
        OPTION_DUMP,
        OPTION_SORT,
        OPTION_DELAY,
        OPTION_ITERATIONS,
        OPTION_ONCE,
        OPTION_BATCH,
        OPTION_EXPIRES,
        OPTION_STATEFUL,
        OPTION_PUBLIC,
        OPTION_COMPRESSION,
        OPTION_VERIFY,
        OPTION_KEYRING,
        OPTION_AUTO_UPDATE,
        OPTION_FOREIGN,
        OPTION_STORE,
        OPTION_INCLUDE,
        OPTION_MIRROR,
        OPTION_VARIANT,
        OPTION_METADATA,
        _OPTION_MAX,
} Option;

static_assert(_OPTION_MAX <= 64, "an option is a bit of 64");

#define O(name) (UINT64_C(1) << OPTION_##name)
#define OPTIONS_COMMON ((UINT64_C(1) << _OPTION_COMMON_MAX) - 1)

typedef struct OptionInfo {
        Option option;
        const char *name;     /* long name */
        char letter;          /* 0: none */
        const char *argument; /* what its value is called in the help; NULL: it has none */
        const char *fixed;    /* the value that this spelling stands for */
        const char *help;     /* NULL: another spelling, not shown */
} OptionInfo;

extern const OptionInfo option_table[];
extern const size_t option_table_size;

typedef struct Verb Verb;

typedef struct Arguments {
        const Verb *verb;            /* NULL: none was given */
        char **words;                /* owned array of borrowed strings, without the verb */
        size_t n_words;
        char **options[_OPTION_MAX]; /* owned: every value given, in order; "" for those without */
} Arguments;

/* argv is borrowed and must outlive the result. -EINVAL with a sentence for what is no command line of ours. */
int arguments_parse(int argc, char **argv, Arguments **ret, char **ret_error);
Arguments *arguments_free(Arguments *a);
DEFINE_CLEANUP(Arguments *, arguments_free)

static inline bool arguments_have(const Arguments *a, Option option) {
        return a->options[option];
}
const char *arguments_get(const Arguments *a, Option option); /* the last value, or NULL */
