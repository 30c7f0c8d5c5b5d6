/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* The functions of the verb table: one file a family. Each returns the exit code, or a negative number after it has said what failed. */

/* verb-list.c */
int verb_list(Ctl *c);
int verb_list_images(Ctl *c);
int verb_list_jobs(Ctl *c);

/* verb-status.c */
int verb_status(Ctl *c);
int verb_info(Ctl *c);
int verb_show(Ctl *c);
int verb_image_status(Ctl *c);
int verb_show_image(Ctl *c);

/* verb-create.c */
int verb_create(Ctl *c);
int verb_launch(Ctl *c);
int verb_delete(Ctl *c);

/* verb-power.c */
int verb_start(Ctl *c);
int verb_stop(Ctl *c);
int verb_terminate(Ctl *c);
int verb_restart(Ctl *c);
int verb_reboot(Ctl *c);
int verb_kill(Ctl *c);
int verb_freeze(Ctl *c);
int verb_thaw(Ctl *c);
int verb_enable(Ctl *c);
int verb_disable(Ctl *c);

/* verb-exec.c */
int verb_exec(Ctl *c);
int verb_run_in(Ctl *c);
int verb_shell(Ctl *c);
int verb_login(Ctl *c);
int verb_console(Ctl *c);

/* verb-copy.c */
int verb_copy_to(Ctl *c);
int verb_copy_from(Ctl *c);

/* verb-import.c */
int verb_import(Ctl *c);
int verb_remove_image(Ctl *c);
int verb_alias(Ctl *c);

/* verb-settings.c */
int verb_set(Ctl *c);
int verb_get(Ctl *c);
int verb_unset(Ctl *c);
int verb_cat(Ctl *c);
int settings_read_assignments(char *const *words, const char *usage, char ***ret); /* KEY=VALUE…, or KEY VALUE; 0, or an exit code */

/* verb-edit.c */
int verb_edit(Ctl *c);
int edit_profile(Ctl *c, const char *name);
/* Says what takes effect later. name: of a container, reply has its settings; NULL: it has containers. */
int settings_report_next_start(Ctl *c, const char *name, sd_bus_message *reply);

/* verb-profile.c */
int verb_profile(Ctl *c);

/* verb-applied.c */
int show_effective(Ctl *c);

/* verb-device.c */
int verb_device(Ctl *c);
int device_option_settings(const char *option, char ***settings); /* adds to them; reports failures */

/* verb-other.c */
int verb_cancel(Ctl *c);
int verb_help(Ctl *c);
int verb_version(Ctl *c);
int verb_complete(Ctl *c);
