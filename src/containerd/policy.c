/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/policy.h"

#include <assert.h>

#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/device-bus.h"
#include "containerd/image-bus.h"
#include "containerd/job-bus.h"
#include "containerd/manager-bus.h"
#include "containerd/profile-bus.h"
#include "containerd/session-bus.h"
#include "containerd/settings-bus.h"
#include "containerd/transfer-bus.h"
#include "shared/bus-names.h"

#define MANAGER BERTH_MANAGER_INTERFACE
#define CONTAINER BERTH_CONTAINER_INTERFACE
#define IMAGE BERTH_IMAGE_INTERFACE
#define JOB BERTH_JOB_INTERFACE
#define ACTION(verb) BERTH_BUS_NAME "." verb

#define SEES POLICY_SEES
#define OWNER POLICY_OWNER
#define NO_RUN_IN POLICY_NO_RUN_IN
#define ONLY_SEEN (POLICY_SEES | POLICY_ONLY_SEEN)

static const PolicyRow rows[] = {
        { MANAGER, "ListContainers", NULL, "list containers", SUBJECT_NONE, SEES, manager_bus_list_containers },
        { MANAGER, "ListImages", NULL, "list images", SUBJECT_NONE, SEES, manager_bus_list_images },
        { MANAGER, "ListJobs", NULL, "list jobs", SUBJECT_NONE, SEES, manager_bus_list_jobs },
        { MANAGER, "GetContainer", NULL, "see container", SUBJECT_CONTAINER, ONLY_SEEN, container_bus_get },
        { MANAGER, "GetImage", NULL, "see image", SUBJECT_IMAGE, ONLY_SEEN, image_bus_get },
        { MANAGER, "GetJob", NULL, "see job", SUBJECT_JOB, ONLY_SEEN, job_bus_get },

        { MANAGER, "CreateContainer", ACTION("create"), "create container", SUBJECT_NEW_CONTAINER, POLICY_SETTINGS_THIRD, manager_bus_create_container },
        { MANAGER, "StartContainer", ACTION("start"), "start container", SUBJECT_CONTAINER, NO_RUN_IN, container_bus_start },
        { MANAGER, "StopContainer", ACTION("stop"), "stop container", SUBJECT_CONTAINER, 0, container_bus_stop },
        { MANAGER, "RestartContainer", ACTION("restart"), "restart container", SUBJECT_CONTAINER, 0, container_bus_restart },
        { MANAGER, "RebootContainer", ACTION("reboot"), "reboot container", SUBJECT_CONTAINER, 0, container_bus_reboot },
        { MANAGER, "KillContainer", ACTION("kill"), "send a signal to container", SUBJECT_CONTAINER, 0, container_bus_kill },
        { MANAGER, "FreezeContainer", ACTION("freeze"), "freeze container", SUBJECT_CONTAINER, 0, container_bus_freeze },
        { MANAGER, "ThawContainer", ACTION("thaw"), "thaw container", SUBJECT_CONTAINER, 0, container_bus_thaw },
        { MANAGER, "DeleteContainer", ACTION("delete"), "delete container", SUBJECT_CONTAINER, NO_RUN_IN, container_bus_delete },
        { MANAGER, "EnableContainer", ACTION("enable"), "enable container", SUBJECT_CONTAINER, 0, container_bus_enable },
        { MANAGER, "DisableContainer", ACTION("enable"), "disable container", SUBJECT_CONTAINER, 0, container_bus_disable },
        { MANAGER, "ExecContainer", ACTION("exec"), "run a command in container", SUBJECT_CONTAINER, 0, session_bus_exec },
        { MANAGER, "OpenConsole", ACTION("console"), "open the console of container", SUBJECT_CONTAINER, 0, session_bus_console },
        { MANAGER, "RunInContainer", ACTION("run-in"), "run a command in stopped container", SUBJECT_CONTAINER, NO_RUN_IN, session_bus_run_in },
        { MANAGER, "CopyTo", ACTION("copy-to"), "copy files to container", SUBJECT_CONTAINER, NO_RUN_IN, transfer_bus_copy_to },
        { MANAGER, "CopyFrom", ACTION("copy-from"), "copy files from container", SUBJECT_CONTAINER, NO_RUN_IN, transfer_bus_copy_from },
        { MANAGER, "GetSettings", ACTION("inspect"), "see the settings of container", SUBJECT_CONTAINER, OWNER, settings_bus_get },
        { MANAGER, "SetSettings", ACTION("configure"), "change the settings of container", SUBJECT_CONTAINER, POLICY_SETTINGS_FIRST | NO_RUN_IN, settings_bus_set },
        { MANAGER, "ListDevices", ACTION("inspect"), "see the devices of container", SUBJECT_CONTAINER, OWNER, device_bus_list },
        { MANAGER, "AddDevice", ACTION("configure"), "give a device to container", SUBJECT_CONTAINER, NO_RUN_IN, device_bus_add },
        { MANAGER, "SetDevice", ACTION("configure"), "change a device of container", SUBJECT_CONTAINER, NO_RUN_IN, device_bus_set },
        { MANAGER, "RemoveDevice", ACTION("configure"), "take a device from container", SUBJECT_CONTAINER, NO_RUN_IN, device_bus_remove },

        { MANAGER, "ReplaceSettings", ACTION("configure"), "change the settings of container", SUBJECT_CONTAINER, POLICY_SETTINGS_TEXT | NO_RUN_IN, settings_bus_replace },
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

        { MANAGER, "ImportImage", ACTION("import-image"), "import an image", SUBJECT_NONE, 0, manager_bus_import_image },
        { MANAGER, "RemoveImage", ACTION("remove-image"), "remove image", SUBJECT_IMAGE, 0, image_bus_remove },
        { MANAGER, "AddAlias", ACTION("manage-aliases"), "add alias", SUBJECT_ALIAS, 0, manager_bus_add_alias },
        { MANAGER, "RemoveAlias", ACTION("manage-aliases"), "remove alias", SUBJECT_ALIAS, 0, manager_bus_remove_alias },
        { MANAGER, "CancelJob", ACTION("cancel-job"), "cancel job", SUBJECT_JOB, OWNER, job_bus_cancel },

        { CONTAINER, "Start", ACTION("start"), "start container", SUBJECT_THIS_CONTAINER, NO_RUN_IN, container_bus_start },
        { CONTAINER, "Stop", ACTION("stop"), "stop container", SUBJECT_THIS_CONTAINER, 0, container_bus_stop },
        { CONTAINER, "Restart", ACTION("restart"), "restart container", SUBJECT_THIS_CONTAINER, 0, container_bus_restart },
        { CONTAINER, "Reboot", ACTION("reboot"), "reboot container", SUBJECT_THIS_CONTAINER, 0, container_bus_reboot },
        { CONTAINER, "Kill", ACTION("kill"), "send a signal to container", SUBJECT_THIS_CONTAINER, 0, container_bus_kill },
        { CONTAINER, "Freeze", ACTION("freeze"), "freeze container", SUBJECT_THIS_CONTAINER, 0, container_bus_freeze },
        { CONTAINER, "Thaw", ACTION("thaw"), "thaw container", SUBJECT_THIS_CONTAINER, 0, container_bus_thaw },
        { CONTAINER, "Delete", ACTION("delete"), "delete container", SUBJECT_THIS_CONTAINER, NO_RUN_IN, container_bus_delete },
        { CONTAINER, "Enable", ACTION("enable"), "enable container", SUBJECT_THIS_CONTAINER, 0, container_bus_enable },
        { CONTAINER, "Disable", ACTION("enable"), "disable container", SUBJECT_THIS_CONTAINER, 0, container_bus_disable },
        { CONTAINER, "Exec", ACTION("exec"), "run a command in container", SUBJECT_THIS_CONTAINER, 0, session_bus_exec },
        { CONTAINER, "OpenConsole", ACTION("console"), "open the console of container", SUBJECT_THIS_CONTAINER, 0, session_bus_console },
        { CONTAINER, "RunIn", ACTION("run-in"), "run a command in stopped container", SUBJECT_THIS_CONTAINER, NO_RUN_IN, session_bus_run_in },
        { CONTAINER, "CopyTo", ACTION("copy-to"), "copy files to container", SUBJECT_THIS_CONTAINER, NO_RUN_IN, transfer_bus_copy_to },
        { CONTAINER, "CopyFrom", ACTION("copy-from"), "copy files from container", SUBJECT_THIS_CONTAINER, NO_RUN_IN, transfer_bus_copy_from },
        { CONTAINER, "GetSettings", ACTION("inspect"), "see the settings of container", SUBJECT_THIS_CONTAINER, OWNER, settings_bus_get },
        { CONTAINER, "SetSettings", ACTION("configure"), "change the settings of container", SUBJECT_THIS_CONTAINER, POLICY_SETTINGS_FIRST | NO_RUN_IN, settings_bus_set },
        { CONTAINER, "ListDevices", ACTION("inspect"), "see the devices of container", SUBJECT_THIS_CONTAINER, OWNER, device_bus_list },
        { CONTAINER, "AddDevice", ACTION("configure"), "give a device to container", SUBJECT_THIS_CONTAINER, NO_RUN_IN, device_bus_add },
        { CONTAINER, "SetDevice", ACTION("configure"), "change a device of container", SUBJECT_THIS_CONTAINER, NO_RUN_IN, device_bus_set },
        { CONTAINER, "RemoveDevice", ACTION("configure"), "take a device from container", SUBJECT_THIS_CONTAINER, NO_RUN_IN, device_bus_remove },

        { CONTAINER, "ReplaceSettings", ACTION("configure"), "change the settings of container", SUBJECT_THIS_CONTAINER, POLICY_SETTINGS_TEXT | NO_RUN_IN, settings_bus_replace },
        { CONTAINER, "GetSettingsFiles", ACTION("inspect"), "see the settings of container", SUBJECT_THIS_CONTAINER, OWNER, settings_bus_get_files },
        { CONTAINER, "GetApplied", ACTION("inspect"), "see the settings of container", SUBJECT_THIS_CONTAINER, OWNER, settings_bus_get_applied },

        { IMAGE, "Remove", ACTION("remove-image"), "remove image", SUBJECT_THIS_IMAGE, 0, image_bus_remove },
        { IMAGE, "AddAlias", ACTION("manage-aliases"), "add an alias to image", SUBJECT_THIS_IMAGE, 0, image_bus_add_alias },

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

const PolicyRow *policy_rows(size_t *ret_n) {
        *ret_n = ELEMENTSOF(rows);
        return rows;
}
