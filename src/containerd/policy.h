/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "containerd/gate.h"
#include "shared/bus-names.h"

/* Who may call what: one row a method. What has no row is refused. Nothing else in the manager decides about access, except that
 * an object somebody may not see is not there for him (gate_shows()). */

/* What a method is about; names the object in polkit's details and finds it for the handler. */
typedef enum PolicySubject {
        SUBJECT_NONE,           /* no object; the handler reads all arguments */
        SUBJECT_CONTAINER,      /* first argument s: a container's name; read by the gate */
        SUBJECT_NEW_CONTAINER,  /* first argument s: a name that is free, or ""; left to the handler */
        SUBJECT_IMAGE,          /* first argument s: an image; read by the gate */
        SUBJECT_ALIAS,          /* first argument s: an alias; left to the handler */
        SUBJECT_PROFILE,        /* first argument s: a profile's name; left to the handler */
        SUBJECT_JOB,            /* first argument u: a job's id; read by the gate */
        SUBJECT_THIS_CONTAINER, /* the object of the call */
        SUBJECT_THIS_IMAGE,
        SUBJECT_THIS_JOB,
} PolicySubject;

typedef enum PolicyFlags {
        POLICY_SEES = 1 << 0,          /* needs to know what the caller may see */
        POLICY_OWNER = 1 << 1,         /* the object's owner needs no authorisation */
        POLICY_ONLY_SEEN = 1 << 2,     /* what the caller may not see is not found */
        POLICY_SETTINGS_FIRST = 1 << 3, /* an array of assignments comes first (after the name), then keys: their keys go into the details */
        POLICY_SETTINGS_THIRD = 1 << 4, /* the same behind one more string: name, image, assignments */
        POLICY_SETTINGS_TEXT = 1 << 6,  /* new text and text before (after the name): the keys that are different go into the details */
        POLICY_PUBLIC = 1 << 7,        /* of an image: a public one needs no authorisation */
        POLICY_NO_RUN_IN = 1 << 5,      /* of a container: not while a command runs in it that is stopped */
        POLICY_OWN = 1 << 8,           /* on what is the caller's own, or will be, the action is policy_own_action() */
        POLICY_ALIAS_OF = 1 << 9,      /* of an alias: the second argument is the image that it is for */
} PolicyFlags;

/* The object is a Container, Image or Job as the subject says, or NULL. Returns > 0 when the answer was sent or will be. */
typedef int (*PolicyHandler)(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);

struct PolicyRow {
        const char *interface;
        const char *member;
        const char *action;     /* polkit's; NULL: everybody may */
        const char *deed;       /* what it does, for sentences: "start container" */
        PolicySubject subject;
        unsigned flags;
        PolicyHandler handler;
};

const PolicyRow *policy_find(const char *interface, const char *member);
const PolicyRow *policy_rows(size_t *ret_n); /* for the test that compares them with the vtables */

/* "org.berth1.VERB" as the action that is about the caller's own: "org.berth1.own.VERB". */
#define POLICY_OWN_PREFIX BERTH_BUS_NAME ".own."
int policy_own_action(const char *action, char **ret);

/* The action that lets a caller see what belongs to others. */
#define POLICY_ACTION_LIST "org.berth1.list"
