/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "machinectl-plugin/arguments.h"

/* The verbs: one row each in verb-table.c, which help, completion and the checks of the command line are made from. */

typedef struct Ctl Ctl;

typedef enum VerbGroup {
        GROUP_CONTAINERS,
        GROUP_INSIDE,
        GROUP_IMAGES,
        GROUP_SETTINGS,
        GROUP_OTHER,
        _VERB_GROUP_MAX,
} VerbGroup;

/* What the words of a verb are, for completion. */
typedef enum VerbWord {
        WORD_OTHER,
        WORD_CONTAINER,
        WORD_IMAGE,
        WORD_JOB,
        WORD_VERB,
        WORD_FILE,
        WORD_PROFILE,
        WORD_SERVER_KEY,
        WORD_SNAPSHOT,     /* a container, or CONTAINER/SNAPSHOT */
        WORD_SNAPSHOT_OF,  /* of the container that is the first word */
        WORD_REMOTE_IMAGE, /* REMOTE:IMAGE */
        WORD_ANY_IMAGE,    /* IMAGE or REMOTE:IMAGE */
        WORD_SETTING,
        WORD_IMAGE_KEY,
} VerbWord;

typedef enum VerbFlags {
        VERB_CHANGES = 1 << 0, /* polkit may ask for a password */
        VERB_HIDDEN = 1 << 1,
} VerbFlags;

#define WORDS_MAX 100000U

struct Verb {
        const char *name;
        const char *aliases;       /* NUL-separated; a space makes two words of the command line */
        VerbGroup group;
        unsigned min_words, max_words;
        unsigned command_from;     /* from this word on everything is a command to be run; 0: there is none */
        uint64_t options;          /* beside OPTIONS_COMMON */
        unsigned flags;
        VerbWord first, rest;
        int (*run)(Ctl *c);        /* returns the exit code; negative: failed and said so */
        const char *arguments;     /* for the usage line */
        const char *help;          /* one line */
        const char *more;          /* text below the options in `berthctl VERB --help`, or NULL */
};

extern const Verb verb_table[];
extern const size_t verb_table_size;

#define NULSTR_FOREACH(s, l) for (const char *s = (l); s && *s; s += strlen(s) + 1)

const Verb *verb_find(const char *name);    /* by name or alias; NULL */
const char *verb_nearest(const char *name); /* what may have been meant, or NULL */
