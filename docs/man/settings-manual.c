/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Copies a manual page's source and puts the table of settings where it is asked for, so that the page cannot differ from the program. */

#include <stdio.h>

#include "basic/strv.h"
#include "settings/server.h"
#include "settings/table.h"

int main(void) {
        char line[1024];

        while (fgets(line, sizeof line, stdin))
                if (streq(line, "@SETTINGS@\n"))
                        settings_print_manual(stdout);
                else if (streq(line, "@DEVICES@\n"))
                        devices_print_manual(stdout);
                else if (streq(line, "@SERVER@\n"))
                        server_print_manual(stdout);
                else
                        fputs(line, stdout);
        return ferror(stdin) || fflush(stdout) == EOF ? EXIT_FAILURE : EXIT_SUCCESS;
}
