/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"
#include "shared/key.h"

/* An agent for systemd's questions for passwords (https://systemd.io/PASSWORD_AGENTS) that knows one answer: this key, to whatever asks for those of containers of
 * these names. Answers are taken from root alone. */

/* The key comes by this pipe, since no memory that holds one is inherited. Returns never: for a process that is ended when nobody needs it any more. */
_noreturn_ void key_agent_run(int key_fd, char *const *names);
