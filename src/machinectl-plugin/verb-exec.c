/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* exec, run-in, shell, login, console: a session with a container, its end as our exit code. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/agent.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/session.h"
#include "machinectl-plugin/terminal.h"
#include "machinectl-plugin/verbs.h"

typedef struct Command {
        const char *member;   /* of the manager */
        const char *container;
        const char *user;     /* NULL: root */
        char *const *argv;
        char **environment;   /* owned */
        bool tty, detachable;
} Command;

static int add_environment(Ctl *c, Command *command) {
        static const char *const of_terminals[] = { "TERM", "COLORTERM", "NO_COLOR" };
        int r = 0;

        STRV_FOREACH(e, c->args->options[OPTION_ENV]) {
                const char *value = strchr(*e, '=') ? "" : getenv(*e);

                if (!**e || **e == '=')
                        return report_failure("'%s' is no environment variable: give --env NAME=VALUE.", *e);
                if (!value)
                        continue; /* --env NAME hands ours over, if there is one */
                r = *value || !strchr(*e, '=') ? strv_extendf(&command->environment, "%s=%s", *e, value)
                                               : strv_extend(&command->environment, *e);
                if (r < 0)
                        return report_oom();
        }
        if (!command->tty)
                return 0;
        for (size_t i = 0; i < ELEMENTSOF(of_terminals) && r >= 0; i++)
                if (getenv(of_terminals[i]) && !strv_get_value(command->environment, of_terminals[i]))
                        r = strv_extendf(&command->environment, "%s=%s", of_terminals[i], getenv(of_terminals[i]));
        return r < 0 ? report_oom() : 0;
}

static int append_size(sd_bus_message *m) {
        unsigned rows, columns;
        int r = 0;

        terminal_size(isatty(STDOUT_FILENO) ? STDOUT_FILENO : STDIN_FILENO, &rows, &columns);
        if (rows > 0 && columns > 0) {
                r = sd_bus_message_append(m, "{sv}", "rows", "u", (uint32_t) rows);
                if (r >= 0)
                        r = sd_bus_message_append(m, "{sv}", "columns", "u", (uint32_t) columns);
        }
        return r;
}

static int append_command(Ctl *c, sd_bus_message *m, const Command *command, const int *stdio, size_t n_stdio) {
        const char *cwd = arguments_get(c->args, OPTION_CWD);
        int r;

        r = sd_bus_message_append(m, "s", command->container);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, (char **) command->argv);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, command->environment);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0 && command->user)
                r = sd_bus_message_append(m, "{sv}", "user", "s", command->user);
        if (r >= 0 && cwd)
                r = sd_bus_message_append(m, "{sv}", "working_directory", "s", cwd);
        if (r >= 0 && command->tty) {
                r = sd_bus_message_append(m, "{sv}", "tty", "b", true);
                if (r >= 0)
                        r = append_size(m);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "h");
        for (size_t i = 0; i < n_stdio && r >= 0; i++)
                r = sd_bus_message_append(m, "h", stdio[i]);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* Sends the call and takes the connection out of the answer. */
static int open_session(Ctl *c, sd_bus_message *m, const char *container, Session *s) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int fd, r;

        r = bus_call(c, m, container, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return bus_report_parse(r);
        s->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (s->fd < 0)
                return report_failure("Cannot keep the connection to '%s': %m.", container);
        /* The manager is not needed any more; and the terminal is not the agent's any more. */
        agent_stop(c);
        c->bus = sd_bus_close_unref(c->bus);
        return 0;
}

static int exit_code(const SessionResult *result, const char *container, bool console) {
        switch (result->end) {
        case SESSION_EXITED:
                return result->code;
        case SESSION_SIGNALLED:
        case SESSION_HUNG_UP:
                return 128 + result->code;
        case SESSION_DETACHED:
                return 0;
        case SESSION_LOST:
                if (console) {
                        report_note("The console of '%s' was closed: the container stopped.", container);
                        return 0;
                }
                (void) report_failure("The session with '%s' was closed: the container stopped, or its supervisor did. See 'berthctl status %s'.",
                                      container, container);
                return EXIT_EXEC_FAILED;
        case SESSION_FAILED:
                (void) report_failure("%s", result->message ?: "The command could not be run.");
                return result->code ?: EXIT_EXEC_FAILED;
        }
        return EXIT_EXEC_FAILED;
}

static int run_session(Ctl *c, Session *s, const char *container) {
        SessionResult result;
        bool note = s->detachable && !c->quiet && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
        int r;

        if (note)
                fprintf(stderr, "Connected to '%s'. Press ^] three times within a second to leave.\n", container);
        r = session_run(s, &result);
        if (r < 0) {
                (void) report_failure("The session with '%s' failed: %s.", container, strerror(-r));
                return EXIT_EXEC_FAILED;
        }
        if (note && result.end == SESSION_DETACHED)
                fprintf(stderr, "\nLeft '%s'.\n", container);
        r = exit_code(&result, container, s->console);
        session_result_done(&result);
        return r;
}

static int run(Ctl *c, Command *command) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int stdio[3] = { -EBADF, -EBADF, -EBADF }, r;
        Session s = SESSION_INIT;

        s.tty = command->tty;
        s.detachable = command->tty && command->detachable;
        s.input = STDIN_FILENO;
        s.output = STDOUT_FILENO;

        r = add_environment(c, command);
        if (r >= 0 && !command->tty) {
                r = session_make_stdio(&s, (const int[3]) { STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO }, stdio);
                if (r < 0)
                        (void) report_failure("Cannot make pipes for the command: %s.", strerror(-r));
        }
        if (r >= 0)
                r = bus_message(c, command->member, &m);
        if (r >= 0) {
                r = append_command(c, m, command, stdio, command->tty ? 0 : ELEMENTSOF(stdio));
                if (r < 0)
                        (void) bus_report_create(r);
        }
        if (r >= 0)
                r = open_session(c, m, command->container, &s);

        /* The other ends are the container's alone from here on, or the end of its output would never be seen. */
        m = sd_bus_message_unref(m);
        for (size_t i = 0; i < ELEMENTSOF(stdio); i++)
                (void) fd_close(stdio[i]);

        r = r < 0 ? EXIT_EXEC_FAILED : run_session(c, &s, command->container);
        session_done(&s);
        strv_free(command->environment);
        return r;
}

static bool want_tty(Ctl *c) {
        if (arguments_have(c->args, OPTION_NO_TTY))
                return false;
        return arguments_have(c->args, OPTION_TTY) || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
}

static const char *user_option(Ctl *c) {
        return arguments_get(c->args, OPTION_USER) ?: arguments_get(c->args, OPTION_UID);
}

int verb_exec(Ctl *c) {
        Command command = {
                .member = "ExecContainer",
                .container = c->args->words[0],
                .user = user_option(c),
                .argv = c->args->words + 1,
                .tty = want_tty(c),
        };

        return run(c, &command);
}

int verb_run_in(Ctl *c) {
        Command command = {
                .member = "RunInContainer",
                .container = c->args->words[0],
                .user = user_option(c),
                .argv = c->args->words + 1,
                .tty = want_tty(c),
        };

        return run(c, &command);
}

/* The supervisor sets SHELL, HOME and USER from the container's own passwd file, which is not ours to read. */
static const char *const login_shell[] = { "/bin/sh", "-c", "exec \"${SHELL:-/bin/sh}\" -l", NULL };

int exec_command(Ctl *c, const char *container, char *const *argv) {
        Command command = {
                .member = "ExecContainer",
                .container = container,
                .user = user_option(c),
                .argv = argv ?: (char *const *) login_shell,
                .tty = want_tty(c),
        };

        return run(c, &command);
}

int verb_shell(Ctl *c) {
        _cleanup_free_ char *user = NULL;
        const char *name = c->args->words[0], *at = strchr(name, '@');
        Command command = {
                .member = "ExecContainer",
                .container = at ? at + 1 : name,
                .argv = c->args->n_words > 1 ? c->args->words + 1 : (char *const *) login_shell,
                .tty = want_tty(c),
                .detachable = true,
        };

        if (at) {
                user = strndup(name, (size_t) (at - name));
                if (!user)
                        return report_oom();
        }
        command.user = isempty(user) ? user_option(c) : user;
        return run(c, &command);
}

int verb_login(Ctl *c) {
        static const char *const login[] = { "/bin/login", NULL };
        Command command = {
                .member = "ExecContainer",
                .container = c->args->words[0],
                .argv = (char *const *) login,
                .tty = true,
                .detachable = true,
        };

        return run(c, &command);
}

int verb_console(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        const char *container = c->args->words[0];
        Session s = SESSION_INIT;
        int r;

        s.tty = s.detachable = s.console = true;
        s.input = STDIN_FILENO;
        s.output = STDOUT_FILENO;

        r = bus_message(c, "OpenConsole", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", container);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = append_size(m);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r < 0)
                return bus_report_create(r);
        r = open_session(c, m, container, &s);
        if (r >= 0)
                r = run_session(c, &s, container);
        session_done(&s);
        return r;
}
