/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machinectl-plugin/ctl.h"

/* The functions of the verb table: one file a family. Each returns the exit code, or a negative number after it has said what failed. */

/* verb-list.c */
int verb_list(Ctl *c);
bool name_matches(char *const *patterns, const char *text); /* no pattern: everything */
int verb_list_images(Ctl *c);
int verb_list_jobs(Ctl *c);

/* verb-status.c */
int verb_status(Ctl *c);
int verb_info(Ctl *c);
int verb_show(Ctl *c);
int verb_image_status(Ctl *c);
int verb_show_image(Ctl *c);

/* verb-top.c */
int verb_top(Ctl *c);

/* verb-create.c */
int verb_create(Ctl *c);
int verb_clone(Ctl *c);
int verb_launch(Ctl *c);
int verb_delete(Ctl *c);
/* From the image that is the first word, with the options of create and these settings beside them; name "": one is made up. */
int create_container(Ctl *c, const char *name, bool ephemeral, char *const *more, char **ret_name);

/* verb-run.c */
int verb_run(Ctl *c);

/* verb-power.c */
int verb_change_key(Ctl *c);
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
int exec_command(Ctl *c, const char *container, char *const *argv); /* with the options of exec; returns the exit code. NULL: a login shell */

/* verb-copy.c */
int verb_copy_to(Ctl *c);
int verb_copy_from(Ctl *c);
int verb_edit_file(Ctl *c);

/* verb-import.c */
int verb_import(Ctl *c);
int verb_import_fs(Ctl *c);
/* import --lxc and so on; kind is the option's word. */
int import_foreign(Ctl *c, const char *kind);
int verb_publish(Ctl *c);
int verb_remove_image(Ctl *c);
int verb_alias(Ctl *c);
/* Options that say something of a new image: --alias, --description, --public, --property. */
int image_check_options(Ctl *c, char *const *properties);
int image_append_options(Ctl *c, sd_bus_message *m, const char *alias, const char *snapshot, char *const *properties);

/* verb-bootstrap.c */
int verb_bootstrap(Ctl *c);

/* verb-pull.c */
int verb_pull(Ctl *c);
int verb_remotes(Ctl *c);
int verb_refresh_images(Ctl *c);
int list_remote_images(Ctl *c, const char *remote, char *const *patterns);
int fetch_remote_list(Ctl *c, const char *remote, char **ret); /* as the worker writes it: lines of tab-separated columns, aliases first */
int pull_image(Ctl *c, const char *source, bool cached, char **ret_fingerprint); /* cached: only to make a container of */

/* verb-image.c */
int verb_image_set(Ctl *c);
int verb_image_unset(Ctl *c);
int verb_image_edit(Ctl *c);
int verb_export(Ctl *c);

/* verb-settings.c */
int verb_set(Ctl *c);
int verb_get(Ctl *c);
int verb_unset(Ctl *c);
int verb_cat(Ctl *c);
int settings_read_assignments(char *const *words, const char *usage, char ***ret); /* KEY=VALUE…, or KEY VALUE; 0, or an exit code */

/* verb-server.c */
int verb_set_server(Ctl *c);
int verb_stores(Ctl *c);
int verb_remove_store(Ctl *c);
/* TYPE[,KEY=VALUE]…: makes the store, and has new containers there. */
int store_init(Ctl *c, const char *what);
/* LXD's name of a type, or ours; NULL: there is none of this name that can be made. */
const char *store_type(const char *driver);
/* KEY=VALUE, in LXD's words or ours, becomes one more setting of a store of this type. */
int store_add_setting(char ***settings, const char *type, const char *word);
int store_add(Ctl *c, const char *name, const char *type, char *const *settings);
int store_remove(Ctl *c, const char *name);
/* Lines of ListStores. */
int store_list(Ctl *c, char **ret_text);
int verb_get_server(Ctl *c);
int verb_unset_server(Ctl *c);
int server_change_settings(Ctl *c, char *const *assignments, char *const *unset);

/* verb-whoami.c */
int verb_whoami(Ctl *c);

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

/* verb-init.c */
int verb_init(Ctl *c);

/* verb-check.c */
int verb_check(Ctl *c);
int check_needed(Ctl *c); /* only what is needed, in silence where all is well */

/* verb-snapshot.c */
int verb_snapshot(Ctl *c);
int verb_list_snapshots(Ctl *c);
int verb_restore(Ctl *c);
int verb_expire(Ctl *c);
int verb_expire_snapshots(Ctl *c);
int verb_take_scheduled_snapshot(Ctl *c);
int verb_rename(Ctl *c);
int snapshots_delete(Ctl *c, char *const *words);
int snapshots_count(Ctl *c, char ***ret_containers); /* each container as often as it has one */
void snapshots_print(Ctl *c, const char *container);

/* verb-other.c */
int verb_cancel(Ctl *c);
int verb_help(Ctl *c);
int verb_version(Ctl *c);
int verb_complete(Ctl *c);
