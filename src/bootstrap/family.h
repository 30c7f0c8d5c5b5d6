/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* The distributions whose root file systems are built, and the programs that build them: two tables. */

#define BOOTSTRAP_ROOT "/mnt/root"             /* what is built, empty at the beginning */
#define BOOTSTRAP_SCRATCH "/tmp"               /* for the builder's own files; it is HOME as well */
#define BOOTSTRAP_KEYRING BOOTSTRAP_SCRATCH "/keyring"

typedef struct Builder Builder;

typedef struct Family {
        const char *name;            /* as in debian/trixie; what os-release calls it */
        const char *title;           /* for people */
        const Builder *builder;
        const char *mirror;          /* NULL: what sources says, or else the builder's own default; %s: release */
        const char *keyring;         /* who must have signed; %s: release */
        const char *keyring_package; /* where that file comes from */
        const char *packages;        /* with a comma between them: what makes a system of it that boots */
        const char *database;        /* where rpm of this family has its database, or NULL */
        const char *sources;         /* lines of apt's list, with a NUL behind each, without a mirror; %s: release; or NULL */
} Family;

/* What is wanted of it. All of it has been checked. */
typedef struct Order {
        const Family *family;
        const char *release;
        const char *variant;         /* NULL: the builder's default */
        const char *mirror;          /* NULL: the family's */
        char *const *include;        /* packages on top */
        const char *keyring;         /* a file */
} Order;

struct Builder {
        const char *program;         /* looked for in PATH */
        const char *package;         /* Debian's name of the package that has it */
        const char *variants;        /* with a NUL behind each; NULL: there are none */
        bool mounts;                 /* it wants proc and dev in the root, and does not mount them itself */
        int (*arguments)(const Order *o, char ***ret);
        const char *leftovers;       /* with a NUL behind each: what is emptied in the end, below the root */
};

const Family *family_find(const char *name);
/* "debian, fedora, …" */
int family_list(char **ret);

/* Is the text one that may go to a builder, which reads some of them as more than a word? */
bool release_valid(const char *s);
bool mirror_valid(const char *s);
bool package_valid(const char *s);
bool variant_valid(const Builder *b, const char *s);
/* s with the release in it. */
int family_expand(const char *s, const char *release, char **ret);
