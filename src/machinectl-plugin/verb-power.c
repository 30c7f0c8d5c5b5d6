/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* start, stop, restart, kill and their kin: a name or several, one method each. */

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/parse.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/secret.h"
#include "machinectl-plugin/verbs.h"
#include "shared/bus-names.h"

/* The options of StopContainer and RestartContainer. What does not parse was refused before the first call. */
static int append_stop(Ctl *c, sd_bus_message *m) {
        const char *timeout = arguments_get(c->args, OPTION_TIMEOUT);
        uint64_t usec;
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && arguments_have(c->args, OPTION_FORCE))
                r = sd_bus_message_append(m, "{sv}", "force", "b", true);
        if (r >= 0 && timeout && parse_timespan(timeout, &usec) >= 0)
                r = sd_bus_message_append(m, "{sv}", "timeout_usec", "t", usec);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_terminate(Ctl *c, sd_bus_message *m) {
        return sd_bus_message_append(m, "a{sv}", 1, "force", "b", true);
}

static int check_timeout(Ctl *c) {
        const char *timeout = arguments_get(c->args, OPTION_TIMEOUT);
        uint64_t usec;

        if (timeout && parse_timespan(timeout, &usec) < 0)
                return report_usage("'%s' is no time: give --timeout=30, 90s, 2min or infinity.", timeout);
        return 0;
}

/* Of those that are encrypted the key is asked for. */
static int call_each_start(Ctl *c, const char *method, bus_append_t append, const char *fine) {
        int r;

        r = secret_agent_start(c, c->args->words);
        if (r < 0)
                return r;
        r = bus_call_each(c, method, c->args->words, append, fine);
        secret_agent_stop(c);
        return r;
}

int verb_start(Ctl *c) {
        return call_each_start(c, "StartContainer", NULL, NULL);
}

int verb_change_key(Ctl *c) {
        char **files = c->args->options[OPTION_KEY_FILE];
        const char *name = c->args->words[0], *old_file = files ? files[0] : NULL, *new_file = old_file ? files[1] : NULL;
        _cleanup_close_ int old_fd = -EBADF, new_fd = -EBADF;
        int r;

        if (streq_ptr(old_file, "-") && streq_ptr(new_file, "-"))
                return report_usage("Only one of the two keys can be on standard input.");
        r = secret_get(c, old_file, "Key that it has: ", false, &old_fd);
        if (r >= 0)
                r = secret_get(c, new_file, "New key: ", true, &new_fd);
        return r < 0 ? r : bus_method(c, "ChangeKey", name, NULL, "shh", name, old_fd, new_fd);
}

int verb_stop(Ctl *c) {
        return check_timeout(c) ?: bus_call_each(c, "StopContainer", c->args->words, append_stop, NULL);
}

int verb_terminate(Ctl *c) {
        return bus_call_each(c, "StopContainer", c->args->words, append_terminate, NULL);
}

int verb_restart(Ctl *c) {
        return check_timeout(c) ?: call_each_start(c, "RestartContainer", append_stop, NULL);
}

int verb_reboot(Ctl *c) {
        return bus_call_each(c, "RebootContainer", c->args->words, NULL, NULL);
}

int verb_freeze(Ctl *c) {
        return bus_call_each(c, "FreezeContainer", c->args->words, NULL, NULL);
}

int verb_thaw(Ctl *c) {
        return bus_call_each(c, "ThawContainer", c->args->words, NULL, NULL);
}

int verb_enable(Ctl *c) {
        int r;

        r = bus_call_each(c, "EnableContainer", c->args->words, NULL, NULL);
        if (r >= 0 && arguments_have(c->args, OPTION_NOW))
                r = call_each_start(c, "StartContainer", NULL, BERTH_ERROR_ALREADY_RUNNING);
        return r;
}

int verb_disable(Ctl *c) {
        int r;

        r = check_timeout(c);
        if (r != 0)
                return r;
        r = bus_call_each(c, "DisableContainer", c->args->words, NULL, NULL);
        if (r >= 0 && arguments_have(c->args, OPTION_NOW))
                r = bus_call_each(c, "StopContainer", c->args->words, append_stop, BERTH_ERROR_NOT_RUNNING);
        return r;
}

static int append_kill(Ctl *c, sd_bus_message *m) {
        const char *name = arguments_get(c->args, OPTION_SIGNAL);
        int number = SIGTERM;

        if (name)
                (void) parse_signal(name, &number);
        return sd_bus_message_append(m, "si", arguments_get(c->args, OPTION_KILL_WHOM) ?: "all", number);
}

int verb_kill(Ctl *c) {
        const char *whom = arguments_get(c->args, OPTION_KILL_WHOM), *name = arguments_get(c->args, OPTION_SIGNAL);
        int number;

        if (whom && !streq(whom, "leader") && !streq(whom, "all"))
                return report_usage("'%s' is nobody to send a signal to: give --kill-whom=leader or --kill-whom=all.", whom);
        if (name && parse_signal(name, &number) < 0)
                return report_usage("'%s' is no signal: give a name such as HUP or SIGRTMIN+3, or a number.", name);
        return bus_call_each(c, "KillContainer", c->args->words, append_kill, NULL);
}
