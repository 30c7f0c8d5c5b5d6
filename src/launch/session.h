/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <systemd/sd-event.h>

#include "launch/exec.h"

/* One exec: its process, and the connection on which its owner hears of it and may resize or signal it. The connection is in the hands of
 * whoever asked; nothing else is accepted on it. */

#define SESSIONS_MAX 256U

typedef struct Sessions Sessions;

/* on_idle: called when the last session has ended, with its end; NULL: it never began. */
typedef void (*SessionsIdle)(const siginfo_t *last, void *userdata);
int sessions_new(sd_event *event, const ExecContext *context, SessionsIdle on_idle, void *userdata, Sessions **ret);
Sessions *sessions_free(Sessions *s);
DEFINE_CLEANUP(Sessions *, sessions_free)

/* Takes connection_fd in every case, and what the request holds; on failure the error is sent there. */
void sessions_start(Sessions *s, int connection_fd, ExecRequest *request);

/* Until they are released, sessions that are started wait: a process that is born into a frozen cgroup makes it one that is not for a moment, and PID 1 takes
 * that for its thaw. refusal: a sentence for those that waited, instead of their command. */
void sessions_hold(Sessions *s);
void sessions_release(Sessions *s, const char *refusal);

/* Sends `event=error` with the name of a bus error (shared/bus-names.h, the last part) and a sentence. */
void connection_send_error(int connection_fd, const char *name, const char *message);
