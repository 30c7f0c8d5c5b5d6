/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "machinectl-plugin/arguments.h"
#include "machinectl-plugin/table.h"
#include "machinectl-plugin/verb.h"

/* One run of berthctl: the command line, how to print, and what was opened on the way. */

struct Ctl {
        const Arguments *args; /* borrowed */
        TableStyle style;
        bool quiet;
        bool ask_password;     /* polkit may ask, if the verb changes something */
        bool terminal;         /* standard output was a terminal before there was a pager */

        sd_bus *bus;           /* owned; opened by the first call */
        pid_t agent;           /* 0: not started */
        pid_t secret_agent;    /* 0: not started */
        pid_t pager;           /* 0: not started */
};

int ctl_init(Ctl *c, const Arguments *args); /* 0, or an exit code */
void ctl_done(Ctl *c);

/* Prints the table as the options say, through the pager; below it "N THINGS listed." */
int ctl_print_table(Ctl *c, Table *t, const char *things);

/* `berthctl --version`, `berthctl help`, `berthctl VERB --help`, or the verb. Returns the exit code. */
int ctl_run(Ctl *c);
