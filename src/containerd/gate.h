/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "basic/macro.h"

/* The one way in. Every message passes the gate before sd-bus looks for an object: the gate finds the method's row in the policy table,
 * asks polkit if the row says so, and hands the message back to sd-bus when the answer is there. Then everything is looked up and decoded
 * anew, so nothing that was true before the question is relied upon. All methods of all vtables have gate_method() as their
 * handler; it calls the row's handler, and no row means no. */

typedef struct Call Call;
typedef struct Gate Gate;
typedef struct Manager Manager;
typedef struct PolicyRow PolicyRow;

struct Call {
        Manager *manager;        /* borrowed */
        sd_bus_message *message; /* owned */
        const PolicyRow *row;    /* NULL for properties, introspection and the like */
        uid_t uid;
        bool see_all;            /* may see what belongs to others; valid once decided */
        bool authorised;         /* may do what the row says; valid once decided */
        bool own;                /* as the owner, who has no more than what owners have; valid once authorised */
        bool waited;             /* has been put off once */
};

int gate_new(Manager *m, Gate **ret);
Gate *gate_free(Gate *g);
DEFINE_CLEANUP(Gate *, gate_free)

size_t gate_n_waiting(const Gate *g);

/* Calls about this container that were put off because a command ran in it are tried again. */
void gate_wake(Gate *g, const char *container);

int gate_method(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* May the sender of the message that is being dispatched see an object of this owner? Always true while no call is dispatched: then the
 * object is needed for a signal, which the bus policy gives to root alone. */
bool gate_shows(const Gate *g, uid_t owner);
