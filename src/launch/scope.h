/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "basic/macro.h"
#include "settings/settings.h"

/* The payload's transient scope berth-NAME.scope at PID 1. */

typedef struct Scope Scope;

/* Asks for the scope, with pid in it; returns at once. own_unit: the service that watches over it, or NULL. A scope of an earlier
 * run that is still there is stopped first. */
int scope_start(sd_bus *bus, const char *name, const char *own_unit, pid_t pid, const Settings *settings, Scope **ret);
/* Waits for PID 1's job. *ret_error: why not. -ECANCELED: SIGTERM or SIGINT, which the caller has blocked, is pending. */
int scope_wait(Scope *s, char **ret_error);
/* on_stop is called when somebody asks PID 1 to stop the scope (we are its Controller, org.freedesktop.systemd1(5)). */
int scope_watch_stop(Scope *s, sd_bus_message_handler_t on_stop, void *userdata);
/* Asks PID 1 to give the running scope what these settings say for the rows of the table that are marked. done is called with the answer. */
int scope_change(Scope *s, const Settings *settings, const bool *rows, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot);
/* Asks PID 1 to freeze it; done is called with the answer, which comes when all of it stands still. */
int scope_freeze(Scope *s, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot);
/* Asks PID 1 to thaw it. done, which may be NULL with the rest, is called with the answer, which comes when all of it runs again. */
int scope_thaw(Scope *s, sd_bus_message_handler_t done, void *userdata, sd_bus_slot **ret_slot);
/* Of a payload that never ran: ends the scope. */
void scope_end(Scope *s);
Scope *scope_free(Scope *s);
DEFINE_CLEANUP(Scope *, scope_free)
