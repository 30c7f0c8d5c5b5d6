/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "settings/settings.h"
#include "worker/job.h"

/* containers/NAME/container.conf as jobs read and change it. */

int container_conf_read(Job *j, const char *name, int container_fd, SettingsFile **ret);
int container_conf_write(Job *j, const char *name, int container_fd, const SettingsFile *f);

/* Sets the request's "setting" fields and unsets its "unset" fields; what comes out is checked; name NULL: it is a profile. */
int container_conf_apply_request(Job *j, const char *name, SettingsFile *f);

/* Who is no administrator may not have a device be something else, or anew, when an administrator has said something of it: that would go. */
int container_conf_check_device(Job *j, const SettingsFile *f, const char *device);

/* *f becomes the request's "text", if it is "before" still; what comes out is checked, and berth's own keys are as they were. */
int container_conf_replace(Job *j, const char *name, SettingsFile **f);

/* UIDBase= of the container, 0 when it has none, < 0 when it cannot be told. */
int64_t container_conf_uid_base(int state_fd, const char *name);
