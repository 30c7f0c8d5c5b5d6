/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "containerd/container.h"

/* A container's settings on the bus. They are read here, and changed by a configure job. */

int settings_bus_get(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int settings_bus_set(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);

/* THE check of what a caller may set, for every way in which settings reach a container: who is not root may set what the table gives to
 * owners, whatever polkit says of the verb. Also bounds their number. */
int settings_bus_check(const Call *call, char *const *assignments, char *const *unset, sd_bus_error *error);

/* Is any of them of [Unit]? The generator makes drop-ins of those, which PID 1 reads when it reloads. */
bool settings_bus_touch_units(char *const *assignments, char *const *unset);
/* PID 1 reads the unit files again, then the reply, which is taken, is sent. */
void settings_bus_send_after_reload(Manager *m, sd_bus_message *reply);
int settings_bus_replace(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int settings_bus_get_applied(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int settings_bus_get_files(Call *call, void *object, sd_bus_message *m, sd_bus_error *error);
int settings_bus_check_text(const char *text, sd_bus_error *error);
/* A JobDone: answers with what takes effect at the next start only. */
void settings_bus_reply_changed(void *message, const Job *job, const sd_bus_error *error);
void settings_bus_reply_changed_units(void *message, const Job *job, const sd_bus_error *error);
