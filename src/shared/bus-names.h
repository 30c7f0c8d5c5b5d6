/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The bus interface's names: org.berth1, its interfaces and its errors (org.berth1(5)). */

#define BERTH_BUS_NAME "org.berth1"
#define BERTH_BUS_PATH "/org/berth1"
#define BERTH_MANAGER_INTERFACE "org.berth1.Manager"
#define BERTH_CONTAINER_INTERFACE "org.berth1.Container"
#define BERTH_IMAGE_INTERFACE "org.berth1.Image"
#define BERTH_JOB_INTERFACE "org.berth1.Job"
#define BERTH_CONTAINER_PATH "/org/berth1/container"
#define BERTH_IMAGE_PATH "/org/berth1/image"
#define BERTH_JOB_PATH "/org/berth1/job"

#define BERTH_ERROR(name) "org.berth1.Error." name
#define BERTH_ERROR_INVALID_NAME BERTH_ERROR("InvalidName")
#define BERTH_ERROR_INVALID_ARGUMENT BERTH_ERROR("InvalidArgument")
#define BERTH_ERROR_NO_SUCH_CONTAINER BERTH_ERROR("NoSuchContainer")
#define BERTH_ERROR_CONTAINER_EXISTS BERTH_ERROR("ContainerExists")
#define BERTH_ERROR_NOT_RUNNING BERTH_ERROR("NotRunning")
#define BERTH_ERROR_ALREADY_RUNNING BERTH_ERROR("AlreadyRunning")
#define BERTH_ERROR_BUSY BERTH_ERROR("Busy")
#define BERTH_ERROR_START_FAILED BERTH_ERROR("StartFailed")
#define BERTH_ERROR_STOP_FAILED BERTH_ERROR("StopFailed")
#define BERTH_ERROR_EXEC_FAILED BERTH_ERROR("ExecFailed")
#define BERTH_ERROR_NO_SUCH_IMAGE BERTH_ERROR("NoSuchImage")
#define BERTH_ERROR_IMAGE_EXISTS BERTH_ERROR("ImageExists")
#define BERTH_ERROR_IMAGE_IN_USE BERTH_ERROR("ImageInUse")
#define BERTH_ERROR_AMBIGUOUS_IMAGE BERTH_ERROR("AmbiguousImage")
#define BERTH_ERROR_ALIAS_EXISTS BERTH_ERROR("AliasExists")
#define BERTH_ERROR_NO_SUCH_ALIAS BERTH_ERROR("NoSuchAlias")
#define BERTH_ERROR_NO_SUCH_PROFILE BERTH_ERROR("NoSuchProfile")
#define BERTH_ERROR_NO_SUCH_SNAPSHOT BERTH_ERROR("NoSuchSnapshot")
#define BERTH_ERROR_SNAPSHOT_EXISTS BERTH_ERROR("SnapshotExists")
#define BERTH_ERROR_PROFILE_EXISTS BERTH_ERROR("ProfileExists")
#define BERTH_ERROR_PROFILE_IN_USE BERTH_ERROR("ProfileInUse")
#define BERTH_ERROR_PROTECTED BERTH_ERROR("Protected")
#define BERTH_ERROR_BAD_ARCHIVE BERTH_ERROR("BadArchive")
#define BERTH_ERROR_BAD_METADATA BERTH_ERROR("BadMetadata")
#define BERTH_ERROR_BAD_SETTINGS BERTH_ERROR("BadSettings")
#define BERTH_ERROR_NO_SPACE BERTH_ERROR("NoSpace")
#define BERTH_ERROR_NO_SUCH_FILE BERTH_ERROR("NoSuchFile")
#define BERTH_ERROR_FILE_EXISTS BERTH_ERROR("FileExists")
#define BERTH_ERROR_NO_SUCH_JOB BERTH_ERROR("NoSuchJob")
#define BERTH_ERROR_JOB_FAILED BERTH_ERROR("JobFailed")
#define BERTH_ERROR_CANCELLED BERTH_ERROR("Cancelled")
#define BERTH_ERROR_KEY_NEEDED BERTH_ERROR("KeyNeeded")
#define BERTH_ERROR_LIMIT_REACHED BERTH_ERROR("LimitReached")
#define BERTH_ERROR_QUOTA_EXCEEDED BERTH_ERROR("QuotaExceeded")
#define BERTH_ERROR_NOT_SUPPORTED BERTH_ERROR("NotSupported")
