/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* create, launch, delete: containers come and go. */

#include <stdio.h>
#include <string.h>

#include "basic/strv.h"
#include "machinectl-plugin/assignments.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"
#include "shared/names.h"

/* Better here than after a password has been asked for. The manager checks it again. */
static int check_name(const char *name) {
        _cleanup_free_ char *sentence = NULL;

        if (container_name_valid(name))
                return 0;
        if (container_name_explain(name, &sentence) < 0)
                return report_oom();
        return report_failure("%s", sentence);
}

/* --set, and --profile, which is one of them. */
static int collect_settings(Ctl *c, char ***ret) {
        char **profiles = c->args->options[OPTION_PROFILE];
        _cleanup_strv_ char **settings = NULL;
        _cleanup_free_ char *joined = NULL;
        int r;

        if (profiles && arguments_have(c->args, OPTION_NO_PROFILES))
                return report_failure("--profile and --no-profiles do not go together.");
        r = assignments_read(c->args->options[OPTION_SET], &settings);
        if (r < 0)
                return r;
        r = strv_join(profiles, " ", &joined);
        if (r >= 0 && (profiles || arguments_have(c->args, OPTION_NO_PROFILES)))
                r = strv_extendf(&settings, "Profiles=%s", joined);
        if (r < 0)
                return report_oom();
        *ret = TAKE_PTR(settings);
        return 0;
}

static int create(Ctl *c, char **ret_name) {
        _cleanup_strv_ char **settings = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *image = c->args->words[0], *name = c->args->words[1] ?: "", *given;
        int r;

        if (*name) {
                r = check_name(name);
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(s, c->args->options[OPTION_SET])
                if (!strchr(*s, '='))
                        return report_failure("'%s' is no setting: give --set KEY=VALUE.", *s);

        r = collect_settings(c, &settings);
        if (r < 0)
                return r;
        STRV_FOREACH(d, c->args->options[OPTION_DEVICE]) {
                r = device_option_settings(*d, &settings);
                if (r < 0)
                        return r;
        }
        r = bus_message(c, "CreateContainer", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "ss", name, image);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, settings);
        if (r >= 0)
                r = arguments_have(c->args, OPTION_EPHEMERAL) ? sd_bus_message_append(m, "a{sv}", 1, "ephemeral", "b", true)
                                                              : sd_bus_message_append(m, "a{sv}", 0);
        if (r < 0)
                return bus_report_create(r);

        r = job_call(c, m, *name ? name : image, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "so", &given, NULL);
        if (r < 0)
                return bus_report_parse(r);
        /* Standard output is for what a script cannot know. */
        if (!*name) {
                printf("%s\n", given);
                (void) fflush(stdout);
        }
        *ret_name = strdup(given);
        return *ret_name ? 0 : report_oom();
}

int verb_create(Ctl *c) {
        _cleanup_free_ char *name = NULL;

        return create(c, &name);
}

int verb_launch(Ctl *c) {
        _cleanup_free_ char *name = NULL;
        int r;

        r = create(c, &name);
        if (r < 0)
                return r;
        r = bus_method(c, "StartContainer", name, NULL, "s", name);
        if (r < 0) {
                if (arguments_have(c->args, OPTION_EPHEMERAL))
                        report_note("'%s' did not start. If 'berthctl list' still shows it, remove it with 'berthctl delete %s'.", name, name);
                else
                        report_note("'%s' was made and is kept. When the reason is gone, 'berthctl start %s'; or 'berthctl delete %s'.",
                                    name, name, name);
        }
        return r;
}

static int append_force(Ctl *c, sd_bus_message *m) {
        return sd_bus_message_append(m, "a{sv}", 1, "force", "b", arguments_have(c->args, OPTION_FORCE));
}

int verb_delete(Ctl *c) {
        return bus_call_each(c, "DeleteContainer", c->args->words, append_force, NULL);
}
