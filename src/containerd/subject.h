/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "containerd/manager.h"
#include "containerd/policy.h"

/* What a call is about: the container, image or job that the row of the policy table says, by name. It is what polkit is told, and the object
 * that the handler gets. */

typedef struct Subject {
        const PolicyRow *row; /* NULL: nothing */
        char *name;           /* or NULL */
        char *image;          /* the image that an alias is for, or NULL */
        char *keys;           /* of the settings the call wants to change, as the table names them, separated by spaces, or NULL */
        bool ruled;           /* one of them is not an owner's as such, see SETTING_RULED */
} Subject;

void subject_done(Subject *s);

/* Reads as much of the message as is needed and rewinds it. On failure error is set when there is something to say but that the arguments
 * do not fit. */
int subject_read(Subject *s, sd_bus_message *m, sd_bus_error *error);

/* -ENOENT: there is no such thing, or nobody owns it. */
int subject_owner(const Subject *s, Manager *m, uid_t *ret);

/* Is it the caller's own, or will it be, so that the action for one's own is asked about? */
bool subject_is_own(const Subject *s, Manager *m, uid_t caller);

/* An image that everybody sees. */
bool subject_is_public(const Subject *s, Manager *m);

/* What a polkit rule can look at, as key, value, key, value…: action.lookup("container") and so on. own: the action is that for one's own. */
int subject_details(const Subject *s, Manager *m, uid_t caller, bool own, char ***ret);

/* The object, for who is authorised. Reads the argument that names it, so that the handler goes on behind it. object: what sd-bus found by
 * the path. *ret is NULL for a subject that is no object. */
int subject_find(const Subject *s, Manager *manager, sd_bus_message *m, void *object, void **ret, sd_bus_error *error);
