/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-bus.h>

#include "machinectl-plugin/ctl.h"

/* The manager as a client sees it: one connection, calls that wait for as long as the work takes, and errors told to people. */

/* A row of ListImages: fingerprint, aliases; then what most look at; then more of it. */
#define IMAGES_MORE "ssttto" "bsua{ss}"
#define IMAGES_ROW "sas" IMAGES_MORE

int bus_open(Ctl *c);

/* A call of the manager object's method, to be filled and given to one of those below. Reports failures. */
int bus_message(Ctl *c, const char *member, sd_bus_message **ret);

/* Waits for the answer; ret_reply may be NULL. target: the container or image that it is about, for messages; may be NULL. */
int bus_call(Ctl *c, sd_bus_message *m, const char *target, sd_bus_message **ret_reply);

/* Message and call in one; types as in sd_bus_message_append(). */
int bus_method(Ctl *c, const char *member, const char *target, sd_bus_message **ret_reply, const char *types, ...);

/* One call a word, all under way at the same time, a bounded number of them. Each failure is reported; -EINVAL when there was one.
 * append: adds what comes after the name; may be NULL. fine: the error that is none, because things are as wanted; may be NULL. */
typedef int (*bus_append_t)(Ctl *c, sd_bus_message *m);
int bus_call_each(Ctl *c, const char *member, char *const *names, bus_append_t append, const char *fine);

/* All properties of an object into json, by name. */
int bus_get_properties(Ctl *c, const char *path, const char *interface, const char *target, json_object **ret);

/* Says what went wrong; always negative. */
int bus_report(Ctl *c, int r, const sd_bus_error *error, const char *target);
int bus_report_parse(int r);
int bus_report_create(int r);
