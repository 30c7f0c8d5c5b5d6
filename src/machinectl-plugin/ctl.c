/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/ctl.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <syslog.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/strv.h"
#include "machinectl-plugin/agent.h"
#include "machinectl-plugin/help.h"
#include "machinectl-plugin/pager.h"
#include "machinectl-plugin/report.h"

static bool colour_wanted(void) {
        const char *e = getenv("SYSTEMD_COLORS");

        if (e)
                return parse_bool(e) != 0;
        if (!isempty(getenv("NO_COLOR")))
                return false;
        e = getenv("TERM");
        return e && !streq(e, "dumb");
}

/* One that does not know how wide it is, a serial console say, is taken for as wide as all programs take it. */
static size_t terminal_width(void) {
        struct winsize size;

        return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0 ? size.ws_col : 80;
}

int ctl_init(Ctl *c, const Arguments *args) {
        const char *json = arguments_get(args, OPTION_JSON), *address = arguments_get(args, OPTION_ADDRESS);

        *c = (Ctl) {
                .args = args,
                .quiet = arguments_have(args, OPTION_QUIET),
                .terminal = isatty(STDOUT_FILENO),
        };
        c->style.legend = !arguments_have(args, OPTION_NO_LEGEND) && !c->quiet;
        c->style.colour = c->terminal && colour_wanted();
        c->style.width = c->terminal && !arguments_have(args, OPTION_FULL) ? terminal_width() : 0;
        if (json) {
                c->style.json = streq(json, "auto") ? c->terminal ? JSON_PRETTY : JSON_SHORT : json_mode_from_string(json);
                if ((int) c->style.json < 0)
                        return report_usage("'%s' is no way to print JSON: give --json=pretty, --json=short or --json=off.", json);
        }
        c->ask_password = args->verb && (args->verb->flags & VERB_CHANGES) && !arguments_have(args, OPTION_NO_ASK_PASSWORD);
        if (arguments_have(args, OPTION_DEBUG))
                log_set_max_level(LOG_DEBUG);
        if (address && setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1) < 0)
                return report_oom();
        return 0;
}

void ctl_done(Ctl *c) {
        (void) fflush(stdout);
        agent_stop(c);
        pager_close(c);
        c->bus = sd_bus_close_unref(c->bus);
}

int ctl_print_table(Ctl *c, Table *t, const char *things) {
        size_t n = table_rows(t);
        int r;

        if (c->style.json == JSON_OFF)
                pager_open(c);
        if (n == 0 && c->style.json == JSON_OFF) {
                if (c->style.legend)
                        printf("No %s.\n", things);
                return 0;
        }
        r = table_print(t, &c->style, stdout);
        if (r < 0)
                return report_oom();
        if (c->style.legend && c->style.json == JSON_OFF)
                printf("\n%zu %s listed.\n", n, things);
        return 0;
}

int ctl_run(Ctl *c) {
        const Arguments *a = c->args;
        int r;

        if (arguments_have(a, OPTION_VERSION)) {
                help_print_version();
                r = 0;
        } else if (arguments_have(a, OPTION_HELP) && a->verb) {
                pager_open(c);
                r = help_print_verb(a->verb);
        } else if (arguments_have(a, OPTION_HELP)) {
                pager_open(c);
                r = help_print();
        } else if (!a->verb)
                /* As systemctl and machinectl do. */
                r = verb_find("list")->run(c);
        else
                r = a->verb->run(c);

        if (fflush(stdout) != 0 && r == 0)
                r = report_failure("Cannot write the output: %m.");
        if (r == -ECANCELED)
                return EXIT_INTERRUPTED;
        return r < 0 ? EXIT_FAILURE : r;
}
