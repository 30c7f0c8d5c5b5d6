/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/alias.h"

#include "basic/strv.h"
#include "containerd/reply.h"
#include "shared/bus-names.h"
#include "shared/names.h"

int alias_check_name(const char *alias, sd_bus_error *error) {
        _cleanup_free_ char *escaped = NULL;
        int r;

        if (alias_valid(alias))
                return 0;
        r = string_escape(alias, &escaped);
        if (r < 0)
                return r;
        return sd_bus_error_setf(error, BERTH_ERROR_INVALID_NAME,
                                 "'%.80s' cannot be an alias: 1 to %u letters, digits, '.', '_', '+', '-' and '/', beginning with a letter or digit.",
                                 escaped, ALIAS_NAME_MAX);
}

int alias_check(Manager *m, const char *alias, sd_bus_error *error) {
        _cleanup_free_ char *fingerprint = NULL;
        Image *i;
        int r;

        r = alias_check_name(alias, error);
        if (r < 0)
                return r;
        if (store_read_alias(alias, &fingerprint) >= 0 && manager_find_image(m, fingerprint, &i) >= 0 && image_load(i, -EBADF) >= 0 && !image_shows(i))
                return sd_bus_error_setf(error, BERTH_ERROR_ALIAS_EXISTS, "The alias '%s' exists already.", alias);
        if (fingerprint)
                return sd_bus_error_setf(error, BERTH_ERROR_ALIAS_EXISTS, "The alias '%s' exists already, for image '%.12s'.", alias, fingerprint);
        return 0;
}

static int start_job(Call *call, const char *alias, const char *deed, const char *fingerprint, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, deed, alias);
        if (r >= 0 && fingerprint)
                r = message_add(request, "fingerprint", fingerprint);
        if (r < 0)
                return r;
        return reply_later(m, job_start(call->manager, JOB_ALIAS, alias, call->uid, sd_bus_message_get_sender(m), request, reply_when_job_done,
                                        sd_bus_message_ref(m), NULL, error));
}

int alias_add(Call *call, const char *alias, Image *image, sd_bus_message *m, sd_bus_error *error) {
        int r = alias_check(call->manager, alias, error);

        return r < 0 ? r : start_job(call, alias, "add", image->fingerprint, m, error);
}

int alias_remove(Call *call, const char *alias, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_free_ char *fingerprint = NULL;
        int r;

        r = alias_check_name(alias, error);
        if (r < 0)
                return r;
        r = store_read_alias(alias, &fingerprint);
        if (r == -ENOENT)
                return sd_bus_error_setf(error, BERTH_ERROR_NO_SUCH_ALIAS, "There is no alias '%s'.", alias);
        if (r == -ENOMEM)
                return r;
        return start_job(call, alias, "remove", NULL, m, error);
}
