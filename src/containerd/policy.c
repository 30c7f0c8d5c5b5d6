/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/policy.h"

#include <assert.h>
#include <stdio.h>

#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/device-bus.h"
#include "containerd/image-bus.h"
#include "containerd/import.h"
#include "containerd/job-bus.h"
#include "containerd/manager-bus.h"
#include "containerd/profile-bus.h"
#include "containerd/remote-bus.h"
#include "containerd/server-bus.h"
#include "containerd/session-bus.h"
#include "containerd/settings-bus.h"
#include "containerd/snapshot-bus.h"
#include "containerd/statistics-bus.h"
#include "containerd/transfer-bus.h"
#include "containerd/whoami.h"
#include "shared/bus-names.h"

#define MANAGER BERTH_MANAGER_INTERFACE
#define CONTAINER BERTH_CONTAINER_INTERFACE
#define IMAGE BERTH_IMAGE_INTERFACE
#define JOB BERTH_JOB_INTERFACE
#define ACTION(verb) BERTH_BUS_NAME "." verb

#define SEES POLICY_SEES
#define OWNER POLICY_OWNER
#define NO_RUN_IN POLICY_NO_RUN_IN
#define OWN POLICY_OWN
#define ONLY_SEEN (POLICY_SEES | POLICY_ONLY_SEEN)

static const PolicyRow rows[] = {
        { MANAGER, "ListContainers", NULL, "list containers", SUBJECT_NONE, SEES, manager_bus_list_containers },
        { MANAGER, "ListImages", NULL, "list images", SUBJECT_NONE, SEES, manager_bus_list_images },
        { MANAGER, "ListJobs", NULL, "list jobs", SUBJECT_NONE, SEES, manager_bus_list_jobs },
        { MANAGER, "ListStatistics", NULL, "see what containers use", SUBJECT_NONE, SEES, statistics_bus_list },
        { MANAGER, "GetStatistics", NULL, "see what container uses", SUBJECT_CONTAINER, ONLY_SEEN, statistics_bus_get },
        { MANAGER, "GetContainer", NULL, "see container", SUBJECT_CONTAINER, ONLY_SEEN, container_bus_get },
        { MANAGER, "GetImage", NULL, "see image", SUBJECT_IMAGE, ONLY_SEEN, image_bus_get },
        { MANAGER, "GetJob", NULL, "see job", SUBJECT_JOB, ONLY_SEEN, job_bus_get },

        { MANAGER, "CreateContainer", ACTION("create"), "create container", SUBJECT_NEW_CONTAINER, OWN | SEES | POLICY_SETTINGS_THIRD, manager_bus_create_container },
        { MANAGER, "CloneContainer", ACTION("clone"), "copy container", SUBJECT_CONTAINER, OWN | POLICY_SETTINGS_THIRD, container_bus_clone },
        { MANAGER, "StartContainer", ACTION("start"), "start container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, container_bus_start },
        { MANAGER, "StopContainer", ACTION("stop"), "stop container", SUBJECT_CONTAINER, OWN, container_bus_stop },
        { MANAGER, "RestartContainer", ACTION("restart"), "restart container", SUBJECT_CONTAINER, OWN, container_bus_restart },
        { MANAGER, "RebootContainer", ACTION("reboot"), "reboot container", SUBJECT_CONTAINER, OWN, container_bus_reboot },
        { MANAGER, "KillContainer", ACTION("kill"), "send a signal to container", SUBJECT_CONTAINER, OWN, container_bus_kill },
        { MANAGER, "FreezeContainer", ACTION("freeze"), "freeze container", SUBJECT_CONTAINER, OWN, container_bus_freeze },
        { MANAGER, "ThawContainer", ACTION("thaw"), "thaw container", SUBJECT_CONTAINER, OWN, container_bus_thaw },
        { MANAGER, "DeleteContainer", ACTION("delete"), "delete container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, container_bus_delete },
        { MANAGER, "RenameContainer", ACTION("rename"), "rename container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, container_bus_rename },
        { MANAGER, "ChangeKey", ACTION("configure"), "change the key of container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, transfer_bus_change_key },
        { MANAGER, "SnapshotContainer", ACTION("snapshot"), "take a snapshot of container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_take },
        { MANAGER, "RestoreContainer", ACTION("restore"), "restore a snapshot of container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_restore },
        { MANAGER, "ListSnapshots", ACTION("inspect"), "see the snapshots of container", SUBJECT_CONTAINER, OWNER, snapshot_bus_list },
        { MANAGER, "GetSnapshotSettings", ACTION("inspect"), "see the settings of container", SUBJECT_CONTAINER, OWNER, snapshot_bus_get_settings },
        { MANAGER, "MoveContainer", ACTION("configure-server"), "move container to another store", SUBJECT_CONTAINER, NO_RUN_IN, container_bus_move },
        { MANAGER, "RenameSnapshot", ACTION("snapshot"), "rename a snapshot of container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_rename },
        { MANAGER, "SetSnapshotExpiry", ACTION("snapshot"), "change a snapshot of container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_set_expiry },
        { MANAGER, "DeleteSnapshots", ACTION("delete-snapshots"), "delete snapshots of container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_delete },
        { MANAGER, "ListAllSnapshots", NULL, "list snapshots", SUBJECT_NONE, SEES, snapshot_bus_list_all },
        { MANAGER, "EnableContainer", ACTION("enable"), "enable container", SUBJECT_CONTAINER, 0, container_bus_enable },
        { MANAGER, "DisableContainer", ACTION("enable"), "disable container", SUBJECT_CONTAINER, 0, container_bus_disable },
        { MANAGER, "ExecContainer", ACTION("exec"), "run a command in container", SUBJECT_CONTAINER, OWN, session_bus_exec },
        { MANAGER, "OpenConsole", ACTION("console"), "open the console of container", SUBJECT_CONTAINER, OWN, session_bus_console },
        { MANAGER, "RunInContainer", ACTION("run-in"), "run a command in stopped container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, session_bus_run_in },
        { MANAGER, "CopyTo", ACTION("copy-to"), "copy files to container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, transfer_bus_copy_to },
        { MANAGER, "CopyFrom", ACTION("copy-from"), "copy files from container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, transfer_bus_copy_from },
        { MANAGER, "GetSettings", ACTION("inspect"), "see the settings of container", SUBJECT_CONTAINER, OWNER, settings_bus_get },
        { MANAGER, "SetSettings", ACTION("configure"), "change the settings of container", SUBJECT_CONTAINER, OWN | POLICY_SETTINGS_FIRST | NO_RUN_IN, settings_bus_set },
        { MANAGER, "ListDevices", ACTION("inspect"), "see the devices of container", SUBJECT_CONTAINER, OWNER, device_bus_list },
        { MANAGER, "AddDevice", ACTION("configure"), "give a device to container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, device_bus_add },
        { MANAGER, "AddDisk", ACTION("configure"), "lend a directory to container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, device_bus_add_disk },
        { MANAGER, "SetDevice", ACTION("configure"), "change a device of container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, device_bus_set },
        { MANAGER, "RemoveDevice", ACTION("configure"), "take a device from container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, device_bus_remove },

        { MANAGER, "ReplaceSettings", ACTION("configure"), "change the settings of container", SUBJECT_CONTAINER, OWN | POLICY_SETTINGS_TEXT | NO_RUN_IN, settings_bus_replace },
        { MANAGER, "GetSettingsFiles", ACTION("inspect"), "see the settings of container", SUBJECT_CONTAINER, OWNER, settings_bus_get_files },
        { MANAGER, "GetApplied", ACTION("inspect"), "see the settings of container", SUBJECT_CONTAINER, OWNER, settings_bus_get_applied },

        { MANAGER, "ListProfiles", NULL, "list profiles", SUBJECT_NONE, SEES, profile_bus_list },
        { MANAGER, "GetProfile", NULL, "see profile", SUBJECT_PROFILE, SEES, profile_bus_get },
        { MANAGER, "CreateProfile", ACTION("configure-profile"), "create profile", SUBJECT_PROFILE, 0, profile_bus_create },
        { MANAGER, "SetProfile", ACTION("configure-profile"), "change profile", SUBJECT_PROFILE, POLICY_SETTINGS_FIRST, profile_bus_set },
        { MANAGER, "ReplaceProfile", ACTION("configure-profile"), "change profile", SUBJECT_PROFILE, POLICY_SETTINGS_TEXT, profile_bus_replace },
        { MANAGER, "CopyProfile", ACTION("configure-profile"), "copy profile", SUBJECT_PROFILE, 0, profile_bus_copy },
        { MANAGER, "RenameProfile", ACTION("configure-profile"), "rename profile", SUBJECT_PROFILE, 0, profile_bus_rename },
        { MANAGER, "DeleteProfile", ACTION("configure-profile"), "delete profile", SUBJECT_PROFILE, 0, profile_bus_delete },

        { MANAGER, "GetServerSettings", NULL, "see the settings of the server", SUBJECT_NONE, SEES, server_bus_get },
        { MANAGER, "SetServerSettings", ACTION("configure-server"), "change the settings of the server", SUBJECT_NONE, 0, server_bus_set },

        { MANAGER, "WhoAmI", NULL, "see what the caller may do", SUBJECT_NONE, SEES, whoami_bus },
        { MANAGER, "ListStores", ACTION("configure-server"), "see the stores", SUBJECT_NONE, 0, server_bus_list_stores },
        { MANAGER, "AddStore", ACTION("configure-server"), "make a store", SUBJECT_NONE, 0, server_bus_add_store },
        { MANAGER, "RemoveStore", ACTION("configure-server"), "remove a store", SUBJECT_NONE, 0, server_bus_remove_store },

        { MANAGER, "ImportImage", ACTION("import-image"), "import an image", SUBJECT_NONE, OWN, manager_bus_import_image },
        { MANAGER, "PullImage", ACTION("pull-image"), "pull an image", SUBJECT_NONE, 0, manager_bus_pull_image },
        { MANAGER, "BootstrapImage", ACTION("bootstrap-image"), "build an image", SUBJECT_NONE, 0, manager_bus_bootstrap_image },
        { MANAGER, "ListRemotes", NULL, "list remotes", SUBJECT_NONE, SEES, remote_bus_list },
        { MANAGER, "AddRemote", ACTION("configure-server"), "add a remote", SUBJECT_NONE, 0, remote_bus_add },
        { MANAGER, "RemoveRemote", ACTION("configure-server"), "remove a remote", SUBJECT_NONE, 0, remote_bus_remove },
        { MANAGER, "ListRemoteImages", ACTION("pull-image"), "ask a remote for its images", SUBJECT_NONE, 0, remote_bus_list_images },
        { MANAGER, "RefreshImages", ACTION("configure-server"), "refresh images", SUBJECT_NONE, 0, remote_bus_refresh },
        { MANAGER, "PublishContainer", ACTION("publish"), "make an image of container", SUBJECT_CONTAINER, OWN | NO_RUN_IN, import_publish },
        { MANAGER, "SetImage", ACTION("configure-image"), "change image", SUBJECT_IMAGE, 0, image_bus_set },
        { MANAGER, "GetImageMetadata", NULL, "see image", SUBJECT_IMAGE, ONLY_SEEN, image_bus_get_metadata },
        { MANAGER, "ReplaceImageMetadata", ACTION("configure-image"), "change image", SUBJECT_IMAGE, 0, image_bus_replace_metadata },
        { MANAGER, "ExportImage", ACTION("export-image"), "export image", SUBJECT_IMAGE, OWNER | ONLY_SEEN | POLICY_PUBLIC, image_bus_export },
        { MANAGER, "RemoveImage", ACTION("remove-image"), "remove image", SUBJECT_IMAGE, OWN, image_bus_remove },
        { MANAGER, "AddAlias", ACTION("manage-aliases"), "add alias", SUBJECT_ALIAS, OWN | POLICY_ALIAS_OF, manager_bus_add_alias },
        { MANAGER, "RemoveAlias", ACTION("manage-aliases"), "remove alias", SUBJECT_ALIAS, OWN, manager_bus_remove_alias },
        { MANAGER, "CancelJob", ACTION("cancel-job"), "cancel job", SUBJECT_JOB, OWNER, job_bus_cancel },

        { CONTAINER, "GetStatistics", NULL, "see what container uses", SUBJECT_THIS_CONTAINER, SEES, statistics_bus_get },
        { CONTAINER, "Clone", ACTION("clone"), "copy container", SUBJECT_THIS_CONTAINER, OWN | POLICY_SETTINGS_THIRD, container_bus_clone },
        { CONTAINER, "Publish", ACTION("publish"), "make an image of container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, import_publish },
        { CONTAINER, "Start", ACTION("start"), "start container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, container_bus_start },
        { CONTAINER, "Stop", ACTION("stop"), "stop container", SUBJECT_THIS_CONTAINER, OWN, container_bus_stop },
        { CONTAINER, "Restart", ACTION("restart"), "restart container", SUBJECT_THIS_CONTAINER, OWN, container_bus_restart },
        { CONTAINER, "Reboot", ACTION("reboot"), "reboot container", SUBJECT_THIS_CONTAINER, OWN, container_bus_reboot },
        { CONTAINER, "Kill", ACTION("kill"), "send a signal to container", SUBJECT_THIS_CONTAINER, OWN, container_bus_kill },
        { CONTAINER, "Freeze", ACTION("freeze"), "freeze container", SUBJECT_THIS_CONTAINER, OWN, container_bus_freeze },
        { CONTAINER, "Thaw", ACTION("thaw"), "thaw container", SUBJECT_THIS_CONTAINER, OWN, container_bus_thaw },
        { CONTAINER, "Delete", ACTION("delete"), "delete container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, container_bus_delete },
        { CONTAINER, "Rename", ACTION("rename"), "rename container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, container_bus_rename },
        { CONTAINER, "ChangeKey", ACTION("configure"), "change the key of container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, transfer_bus_change_key },
        { CONTAINER, "Snapshot", ACTION("snapshot"), "take a snapshot of container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_take },
        { CONTAINER, "Restore", ACTION("restore"), "restore a snapshot of container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_restore },
        { CONTAINER, "ListSnapshots", ACTION("inspect"), "see the snapshots of container", SUBJECT_THIS_CONTAINER, OWNER, snapshot_bus_list },
        { CONTAINER, "GetSnapshotSettings", ACTION("inspect"), "see the settings of container", SUBJECT_THIS_CONTAINER, OWNER, snapshot_bus_get_settings },
        { CONTAINER, "Move", ACTION("configure-server"), "move container to another store", SUBJECT_THIS_CONTAINER, NO_RUN_IN, container_bus_move },
        { CONTAINER, "RenameSnapshot", ACTION("snapshot"), "rename a snapshot of container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_rename },
        { CONTAINER, "SetSnapshotExpiry", ACTION("snapshot"), "change a snapshot of container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_set_expiry },
        { CONTAINER, "DeleteSnapshots", ACTION("delete-snapshots"), "delete snapshots of container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, snapshot_bus_delete },
        { CONTAINER, "Enable", ACTION("enable"), "enable container", SUBJECT_THIS_CONTAINER, 0, container_bus_enable },
        { CONTAINER, "Disable", ACTION("enable"), "disable container", SUBJECT_THIS_CONTAINER, 0, container_bus_disable },
        { CONTAINER, "Exec", ACTION("exec"), "run a command in container", SUBJECT_THIS_CONTAINER, OWN, session_bus_exec },
        { CONTAINER, "OpenConsole", ACTION("console"), "open the console of container", SUBJECT_THIS_CONTAINER, OWN, session_bus_console },
        { CONTAINER, "RunIn", ACTION("run-in"), "run a command in stopped container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, session_bus_run_in },
        { CONTAINER, "CopyTo", ACTION("copy-to"), "copy files to container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, transfer_bus_copy_to },
        { CONTAINER, "CopyFrom", ACTION("copy-from"), "copy files from container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, transfer_bus_copy_from },
        { CONTAINER, "GetSettings", ACTION("inspect"), "see the settings of container", SUBJECT_THIS_CONTAINER, OWNER, settings_bus_get },
        { CONTAINER, "SetSettings", ACTION("configure"), "change the settings of container", SUBJECT_THIS_CONTAINER, OWN | POLICY_SETTINGS_FIRST | NO_RUN_IN, settings_bus_set },
        { CONTAINER, "ListDevices", ACTION("inspect"), "see the devices of container", SUBJECT_THIS_CONTAINER, OWNER, device_bus_list },
        { CONTAINER, "AddDevice", ACTION("configure"), "give a device to container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, device_bus_add },
        { CONTAINER, "AddDisk", ACTION("configure"), "lend a directory to container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, device_bus_add_disk },
        { CONTAINER, "SetDevice", ACTION("configure"), "change a device of container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, device_bus_set },
        { CONTAINER, "RemoveDevice", ACTION("configure"), "take a device from container", SUBJECT_THIS_CONTAINER, OWN | NO_RUN_IN, device_bus_remove },

        { CONTAINER, "ReplaceSettings", ACTION("configure"), "change the settings of container", SUBJECT_THIS_CONTAINER, OWN | POLICY_SETTINGS_TEXT | NO_RUN_IN, settings_bus_replace },
        { CONTAINER, "GetSettingsFiles", ACTION("inspect"), "see the settings of container", SUBJECT_THIS_CONTAINER, OWNER, settings_bus_get_files },
        { CONTAINER, "GetApplied", ACTION("inspect"), "see the settings of container", SUBJECT_THIS_CONTAINER, OWNER, settings_bus_get_applied },

        { IMAGE, "Set", ACTION("configure-image"), "change image", SUBJECT_THIS_IMAGE, 0, image_bus_set },
        { IMAGE, "GetMetadata", NULL, "see image", SUBJECT_THIS_IMAGE, SEES, image_bus_get_metadata },
        { IMAGE, "ReplaceMetadata", ACTION("configure-image"), "change image", SUBJECT_THIS_IMAGE, 0, image_bus_replace_metadata },
        { IMAGE, "Export", ACTION("export-image"), "export image", SUBJECT_THIS_IMAGE, OWNER | SEES | POLICY_PUBLIC, image_bus_export },
        { IMAGE, "Remove", ACTION("remove-image"), "remove image", SUBJECT_THIS_IMAGE, OWN, image_bus_remove },
        { IMAGE, "AddAlias", ACTION("manage-aliases"), "add an alias to image", SUBJECT_THIS_IMAGE, OWN, image_bus_add_alias },

        { JOB, "Cancel", ACTION("cancel-job"), "cancel job", SUBJECT_THIS_JOB, OWNER, job_bus_cancel },
};

const PolicyRow *policy_find(const char *interface, const char *member) {
        if (!interface || !member)
                return NULL;
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                if (streq(rows[i].member, member) && streq(rows[i].interface, interface))
                        return rows + i;
        return NULL;
}

int policy_own_action(const char *action, char **ret) {
        const char *verb = startswith(action, BERTH_BUS_NAME ".");

        assert(verb);
        return asprintf(ret, POLICY_OWN_PREFIX "%s", verb) < 0 ? (*ret = NULL, -ENOMEM) : 0;
}

const PolicyRow *policy_rows(size_t *ret_n) {
        *ret_n = ELEMENTSOF(rows);
        return rows;
}
