/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* Keys of encrypted containers: from a file, or from the terminal, where nothing is shown. They go on as the end of a pipe. */

/* file: NULL to ask this question, "-" is standard input. twice: it is a new one, and a mistake in typing would lose all that is written under it. */
int secret_get(Ctl *c, const char *file, const char *question, bool twice, int *ret_fd);

/* Of one that is made now, from --key-file= or whoever is asked, twice; its start gets it as well. */
int secret_of_new(Ctl *c, int *ret_fd);
/* That of the container that the verb is about: from --key-file=; or, when the manager has said that it needs one, whoever is asked. *ret_fd stays as it is
 * when there is none. */
int secret_of_container(Ctl *c, const char *name, bool needed, int *ret_fd);

/* Root's systemctl(1) and we answer for the host's services that ask for passwords while they start: on a terminal, or, with a key that was given, for containers of
 * these names alone. Fails with a sentence. */
int secret_agent_start(Ctl *c, char *const *names);
void secret_agent_stop(Ctl *c);
