/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bootstrap: an image is built of a distribution's packages. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"
#include "machinectl-plugin/bus.h"
#include "machinectl-plugin/job.h"
#include "machinectl-plugin/report.h"
#include "machinectl-plugin/verbs.h"

/* Names of packages with commas between them, from any number of --include. */
static int append_packages(Ctl *c, sd_bus_message *m) {
        _cleanup_strv_ char **packages = NULL;
        int r = 0;

        STRV_FOREACH(o, c->args->options[OPTION_INCLUDE])
                for (const char *p = *o; r >= 0 && *p; p += strcspn(p, ","), p += *p == ',')
                        if (*p != ',')
                                r = strv_extendf(&packages, "%.*s", (int) strcspn(p, ","), p);
        if (r < 0 || !packages)
                return r;
        r = sd_bus_message_open_container(m, 'e', "sv");
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "include");
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "as");
        if (r >= 0)
                r = sd_bus_message_append_strv(m, packages);
        for (int i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_close_container(m);
        return r;
}

static int append_options(Ctl *c, sd_bus_message *m, int keyring_fd, int log_fd) {
        static const struct {
                Option option;
                const char *name;
        } texts[] = { { OPTION_MIRROR, "mirror" }, { OPTION_VARIANT, "variant" } };
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        if (r >= 0)
                r = image_append_options(c, m, NULL, NULL, c->args->options[OPTION_PROPERTY]);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(texts); i++)
                if (arguments_have(c->args, texts[i].option))
                        r = sd_bus_message_append(m, "{sv}", texts[i].name, "s", arguments_get(c->args, texts[i].option));
        if (r >= 0)
                r = append_packages(c, m);
        if (r >= 0 && keyring_fd >= 0)
                r = sd_bus_message_append(m, "{sv}", "keyring", "h", keyring_fd);
        if (r >= 0 && log_fd >= 0)
                r = sd_bus_message_append(m, "{sv}", "log", "h", log_fd);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int verb_bootstrap(Ctl *c) {
        _cleanup_close_ int keyring_fd = -EBADF, log_read = -EBADF, log_write = -EBADF;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *keyring = arguments_get(c->args, OPTION_KEYRING), *fingerprint;
        int fds[2], r;

        r = image_check_options(c, c->args->options[OPTION_PROPERTY]);
        if (r < 0)
                return r;
        if (keyring) {
                keyring_fd = open(keyring, O_RDONLY | O_CLOEXEC | O_NOCTTY);
                if (keyring_fd < 0)
                        return report_failure("Cannot open the keyring '%s': %s", keyring, strerror(errno));
        }
        if (!c->quiet) {
                if (pipe2(fds, O_CLOEXEC) < 0)
                        return report_failure("Cannot make a pipe: %s", strerror(errno));
                log_read = fds[0];
                log_write = fds[1];
        }
        r = bus_message(c, "BootstrapImage", &m);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", c->args->words[0]);
        if (r >= 0)
                r = append_options(c, m, keyring_fd, log_write);
        if (r < 0)
                return bus_report_create(r);
        r = job_call_with_log(c, m, c->args->words[0], log_read, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_read(reply, "so", &fingerprint, NULL);
        if (r < 0)
                return bus_report_parse(r);
        if (!c->quiet)
                printf("%s\n", fingerprint);
        return 0;
}
