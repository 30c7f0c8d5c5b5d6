/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* run: a container for one command. It is made with OneShot=, so that it ends with the command whoever is there to see that; the manager
 * deletes it then, being ephemeral. Here it is only made, and the command run in it as exec does. */

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/quote.h"
#include "shared/bus-names.h"

#define GONE_USEC (30 * USEC_PER_SEC)
#define LOOK_USEC (20 * USEC_PER_MSEC)

typedef struct Run {
        Ctl *ctl;
        const char *name;     /* "": to be made up */
        char *const *command; /* NULL: a login shell */
        bool keep;
} Run;

/* IMAGE [NAME --] [COMMAND…]: the first "--" was taken when it came right after IMAGE, and is a word otherwise. */
static int read_words(Ctl *c, Run *ret) {
        char *const *words = c->args->words;
        const char *option = arguments_get(c->args, OPTION_NAME);
        bool named = c->args->n_words > 2 && streq(words[2], "--");
        Run run = { .ctl = c, .name = named ? words[1] : "", .keep = arguments_have(c->args, OPTION_KEEP) };

        if (named && option)
                return report_usage("There are two names for the container, '%s' and '%s'.", words[1], option);
        if (option)
                run.name = option;
        words += named ? 3 : 1;
        run.command = *words ? words : NULL;
        if (run.keep && arguments_have(c->args, OPTION_RM))
                return report_usage("--keep and --rm do not go together.");
        *ret = run;
        return 0;
}

static int add_option(char ***settings, const char *key, const char *value) {
        return value ? strv_extendf(settings, "%s=%s", key, value) : 0;
}

/* The command is the payload itself; its output goes to the console, its end to the log of the unit. */
static int detached_settings(const Run *run, char ***ret) {
        Ctl *c = run->ctl;
        _cleanup_strv_ char **settings = NULL;
        _cleanup_free_ char *line = NULL;
        int r;

        if (!run->command)
                return report_usage("A command is needed with --detach.");
        if (arguments_have(c->args, OPTION_TTY) || arguments_have(c->args, OPTION_NO_TTY))
                return report_usage("--tty and --no-tty do not go with --detach: the command has the console, see 'berthctl console'.");
        /* Init= is an absolute path: a shell finds the others. */
        r = words_join(run->command, &line);
        if (r >= 0)
                r = strv_extendf(&settings, *run->command[0] == '/' ? "Init=%s" : "Init=/bin/sh -c 'exec \"$@\"' sh %s", line);
        if (r >= 0)
                r = strv_extend(&settings, "StubInit=yes");
        if (r >= 0)
                r = add_option(&settings, "User", arguments_get(c->args, OPTION_USER) ?: arguments_get(c->args, OPTION_UID));
        if (r >= 0)
                r = add_option(&settings, "WorkingDirectory", arguments_get(c->args, OPTION_CWD));
        STRV_FOREACH(e, c->args->options[OPTION_ENV]) {
                _cleanup_free_ char *whole = NULL, *word = NULL;

                if (!strchr(*e, '=') && !getenv(*e))
                        continue;
                if (asprintf(&whole, strchr(*e, '=') ? "%s" : "%s=%s", *e, getenv(*e)) < 0 || word_quote(whole, &word) < 0)
                        return report_oom();
                if (r >= 0)
                        r = strv_extendf(&settings, "Environment=%s", word);
        }
        if (r < 0)
                return report_oom();
        *ret = TAKE_PTR(settings);
        return 0;
}

static int append_force(_unused_ Ctl *c, sd_bus_message *m) {
        return sd_bus_message_append(m, "a{sv}", 1, "force", "b", true);
}

static void delete_failed(Ctl *c, const char *name) {
        /* It may have begun, and ended, before it failed for us. */
        (void) bus_call_each(c, "DeleteContainer", (char *[]) { (char *) name, NULL }, append_force, BERTH_ERROR_NO_SUCH_CONTAINER);
}

/* Returns when the container is gone, as a user expects of it; without him it goes as well. */
static void wait_gone(Ctl *c, const char *name) {
        uint64_t until = clock_usec(CLOCK_MONOTONIC) + GONE_USEC;

        while (clock_usec(CLOCK_MONOTONIC) < until) {
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

                if (bus_open(c) < 0)
                        return;
                if (sd_bus_call_method(c->bus, BERTH_BUS_NAME, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, "GetContainer", &error, NULL, "s", name) < 0)
                        return;
                (void) usleep(LOOK_USEC);
        }
        report_note("'%s' is still there: another command runs in it.", name);
}

/* One that is kept is as any other from now on. */
static void wait_stopped(Ctl *c, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

        if (bus_method(c, "StopContainer", name, NULL, "sa{sv}", name, 1, "force", "b", true) < 0 || bus_message(c, "SetSettings", &m) < 0)
                return;
        if (sd_bus_message_append(m, "sasas", name, 0, 1, "OneShot") >= 0)
                (void) bus_call(c, m, name, NULL);
}

static int run_detached(const Run *run) {
        _cleanup_strv_ char **settings = NULL;
        _cleanup_free_ char *name = NULL;
        Ctl *c = run->ctl;
        int r;

        r = detached_settings(run, &settings);
        if (r != 0)
                return r;
        r = create_container(c, run->name, !run->keep, settings, &name);
        if (r < 0)
                return EXIT_EXEC_FAILED;
        r = bus_method(c, "StartContainer", name, NULL, "s", name);
        if (r < 0) {
                delete_failed(c, name);
                return EXIT_EXEC_FAILED;
        }
        printf("%s\n", name);
        return 0;
}

static int run_attached(const Run *run) {
        char *const settings[] = { (char *) "OneShot=yes", NULL };
        static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
        sigset_t ends, before, pending;
        _cleanup_free_ char *name = NULL;
        Ctl *c = run->ctl;
        int code, r;

        /* One that was made and never started would stay. Once it is started it ends by itself when no command comes. */
        (void) sigemptyset(&ends);
        for (size_t i = 0; i < ELEMENTSOF(ending); i++)
                (void) sigaddset(&ends, ending[i]);
        (void) sigprocmask(SIG_BLOCK, &ends, &before);
        r = create_container(c, run->name, !run->keep, settings, &name);
        (void) sigpending(&pending);
        for (size_t i = 0; i < ELEMENTSOF(ending); i++)
                if (r >= 0 && sigismember(&pending, ending[i]) > 0) {
                        delete_failed(c, name);
                        r = -ECANCELED;
                }
        (void) sigprocmask(SIG_SETMASK, &before, NULL);
        if (r < 0)
                return r == -ECANCELED ? EXIT_INTERRUPTED : EXIT_EXEC_FAILED;

        r = bus_method(c, "StartContainer", name, NULL, "s", name);
        if (r < 0) {
                delete_failed(c, name);
                return EXIT_EXEC_FAILED;
        }
        code = exec_command(c, name, run->command);
        if (run->keep)
                wait_stopped(c, name);
        else
                wait_gone(c, name);
        return code;
}

int verb_run(Ctl *c) {
        Run run;
        int r;

        r = read_words(c, &run);
        if (r != 0)
                return r;
        return arguments_have(c->args, OPTION_DETACH) ? run_detached(&run) : run_attached(&run);
}
