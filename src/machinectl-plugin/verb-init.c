/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* init: the first settings of a host, asked for or from a preseed. With an image it is LXD's other name of create. */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/preseed.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "settings/server.h"

static const struct {
        ServerKey key;
        const char *question;
} questions[] = {
        { SERVER_BRIDGE_SUBNET, "Which IPv4 network shall the containers' bridge berthbr0 have? 'auto' is one that is free" },
        { SERVER_DEFAULT_PROFILES, "Which profiles shall a new container have that is given none?" },
        { SERVER_CONTAINERS_PER_USER_MAX, "How many containers may a user own who is not root?" },
        { SERVER_SPARE_WORKER, "Shall a process wait for the next job, to make it faster?" },
};

/* The answer, or what is there: *ret is owned by the caller. 0: the end of the answers. */
static int ask(const char *question, const char *now, char **ret) {
        char line[1024];

        printf("%s [%s]: ", question, now);
        (void) fflush(stdout);
        if (!fgets(line, sizeof line, stdin)) {
                printf("\n");
                return 0;
        }
        line[strcspn(line, "\n")] = 0;
        *ret = strdup(*line ? line : now);
        return *ret ? 1 : report_oom();
}

static int ask_setting(ServerKey key, const char *question, const char *now, char ***settings) {
        for (;;) {
                _cleanup_free_ char *answer = NULL, *error = NULL;
                int r;

                r = ask(question, now, &answer);
                if (r <= 0)
                        return r < 0 ? r : report_failure("The answers ended, and nothing was changed.");
                r = server_check(key, answer, &error);
                if (r == -EINVAL) {
                        printf("%s\n", error);
                        continue;
                }
                if (r >= 0 && !streq(answer, now))
                        r = strv_extendf(settings, "%s=%s", server_table[key].name, answer);
                return r < 0 ? report_oom() : 0;
        }
}

static int interactive(Ctl *c) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_strv_ char **settings = NULL;
        _cleanup_free_ char *sure = NULL;
        const char *name, *value;
        int r;

        r = bus_method(c, "GetServerSettings", NULL, &reply, "");
        if (r < 0)
                return r;
        printf("An empty answer keeps what is in [brackets].\n");
        r = sd_bus_message_enter_container(reply, 'a', "(sss)");
        while (r >= 0 && (r = sd_bus_message_read(reply, "(sss)", &name, &value, NULL)) > 0)
                for (size_t i = 0; i < ELEMENTSOF(questions) && r >= 0; i++)
                        if (streq(server_table[questions[i].key].name, name)) {
                                r = ask_setting(questions[i].key, questions[i].question, value, &settings);
                                if (r < 0)
                                        return r;
                        }
        if (r < 0)
                return bus_report_parse(r);
        if (!settings) {
                printf("All is as it was.\n");
                return 0;
        }
        STRV_FOREACH(s, settings)
                printf("  %s\n", *s);
        r = ask("Shall this be set?", "yes", &sure);
        if (r <= 0 || parse_bool(sure) <= 0)
                return r < 0 ? r : report_failure("Nothing was changed.");
        return server_change_settings(c, settings, NULL);
}

static int preseed(Ctl *c) {
        _cleanup_(preseed_freep) Preseed *p = NULL;
        _cleanup_free_ char *text = NULL;
        size_t size;
        int r;

        if (isatty(STDIN_FILENO))
                report_note("Reading YAML from the terminal; ^D ends it.");
        r = fd_read_string(STDIN_FILENO, PRESEED_SIZE_MAX, &text, &size);
        if (r < 0)
                return report_failure("The preseed cannot be read: %s.", strerror(-r));
        if (strlen(text) != size)
                return report_failure("The preseed has NUL bytes in it and is no text.");
        r = preseed_read(c, text, size, &p);
        return r < 0 ? r : preseed_apply(c, p);
}

int verb_init(Ctl *c) {
        bool from_preseed = arguments_have(c->args, OPTION_PRESEED), automatic = arguments_have(c->args, OPTION_AUTO),
             dump = arguments_have(c->args, OPTION_DUMP);

        const char *storage = arguments_have(c->args, OPTION_STORE) ? c->args->options[OPTION_STORE][0] : NULL;
        int r;

        /* With an image it is where the container is kept. */
        if (storage && c->args->n_words == 0) {
                if (from_preseed + dump > 0)
                        return report_usage("--storage goes with --auto.");
                r = store_init(c, storage);
                return r < 0 ? r : check_needed(c);
        }
        if (from_preseed + automatic + dump > 1 || (c->args->n_words > 0 && from_preseed + automatic + dump > 0))
                return report_usage("--preseed, --auto, --dump and IMAGE do not go together.");
        if (c->args->n_words > 0)
                return verb_create(c);
        if (from_preseed)
                return preseed(c);
        if (dump)
                return preseed_dump(c);
        /* All has a default: what is left is to see that it works here. */
        return automatic ? check_needed(c) : interactive(c);
}
