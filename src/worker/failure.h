/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "basic/macro.h"

/* Why a job failed, for the caller: the last part of one of the bus errors of shared/bus-names.h and a sentence. The first one that is set
 * stays, because what follows is only its consequence. It crosses from a job's helper processes to the job as a number and a text. */

typedef enum FailureKind {
        FAILURE_NONE,
        FAILURE_ALIAS_EXISTS,
        FAILURE_ALREADY_RUNNING,
        FAILURE_BAD_ARCHIVE,
        FAILURE_BAD_METADATA,
        FAILURE_BAD_SETTINGS,
        FAILURE_BUSY,
        FAILURE_CANCELLED,
        FAILURE_CONTAINER_EXISTS,
        FAILURE_FILE_EXISTS,
        FAILURE_IMAGE_EXISTS,
        FAILURE_IMAGE_IN_USE,
        FAILURE_INVALID_ARGUMENT,
        FAILURE_INVALID_NAME,
        FAILURE_JOB_FAILED,
        FAILURE_KEY_NEEDED,
        FAILURE_LIMIT_REACHED,
        FAILURE_NOT_SUPPORTED,
        FAILURE_NO_SPACE,
        FAILURE_NO_SUCH_ALIAS,
        FAILURE_NO_SUCH_CONTAINER,
        FAILURE_NO_SUCH_FILE,
        FAILURE_NO_SUCH_IMAGE,
        FAILURE_NO_SUCH_PROFILE,
        FAILURE_NO_SUCH_SNAPSHOT,
        FAILURE_PROFILE_EXISTS,
        FAILURE_PROFILE_IN_USE,
        FAILURE_SNAPSHOT_EXISTS,
        _FAILURE_MAX,
} FailureKind;

#define FAILURE_TEXT_MAX 1024

typedef struct Failure {
        FailureKind kind;
        int error; /* positive errno that it came with, for the exit path and the log */
        char text[FAILURE_TEXT_MAX];
} Failure;

const char *failure_kind_to_string(FailureKind kind);

/* Returns -abs(error) (-EBADMSG for 0), so that `return failure_set(…)` forwards it. No space and no quota become FAILURE_NO_SPACE whatever
 * kind says; %m shows the error. Text from archives and callers goes in through name_for_message(). */
int failure_set(Failure *f, FailureKind kind, int error, const char *format, ...) _printf_(4, 5);

/* A printable, shortened form of an untrusted name. Four static buffers take turns. */
const char *name_for_message(const char *name);
