/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/failure.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basic/strv.h"

static const char *const kind_names[_FAILURE_MAX] = {
        [FAILURE_NONE] = "None",
        [FAILURE_ALIAS_EXISTS] = "AliasExists",
        [FAILURE_ALREADY_RUNNING] = "AlreadyRunning",
        [FAILURE_BAD_ARCHIVE] = "BadArchive",
        [FAILURE_BAD_METADATA] = "BadMetadata",
        [FAILURE_BAD_SETTINGS] = "BadSettings",
        [FAILURE_BUSY] = "Busy",
        [FAILURE_CANCELLED] = "Cancelled",
        [FAILURE_CONTAINER_EXISTS] = "ContainerExists",
        [FAILURE_FILE_EXISTS] = "FileExists",
        [FAILURE_IMAGE_EXISTS] = "ImageExists",
        [FAILURE_IMAGE_IN_USE] = "ImageInUse",
        [FAILURE_INVALID_ARGUMENT] = "InvalidArgument",
        [FAILURE_INVALID_NAME] = "InvalidName",
        [FAILURE_JOB_FAILED] = "JobFailed",
        [FAILURE_KEY_NEEDED] = "KeyNeeded",
        [FAILURE_LIMIT_REACHED] = "LimitReached",
        [FAILURE_NOT_SUPPORTED] = "NotSupported",
        [FAILURE_NO_SPACE] = "NoSpace",
        [FAILURE_NO_SUCH_ALIAS] = "NoSuchAlias",
        [FAILURE_NO_SUCH_CONTAINER] = "NoSuchContainer",
        [FAILURE_NO_SUCH_FILE] = "NoSuchFile",
        [FAILURE_NO_SUCH_IMAGE] = "NoSuchImage",
        [FAILURE_NO_SUCH_PROFILE] = "NoSuchProfile",
        [FAILURE_NO_SUCH_SNAPSHOT] = "NoSuchSnapshot",
        [FAILURE_PROFILE_EXISTS] = "ProfileExists",
        [FAILURE_PROFILE_IN_USE] = "ProfileInUse",
        [FAILURE_SNAPSHOT_EXISTS] = "SnapshotExists",
};

const char *failure_kind_to_string(FailureKind kind) {
        return kind_names[(unsigned) kind < _FAILURE_MAX ? kind : FAILURE_JOB_FAILED];
}

int failure_set(Failure *f, FailureKind kind, int error, const char *format, ...) {
        va_list ap;

        assert(f);
        assert(kind != FAILURE_NONE);

        error = error ? abs(error) : EBADMSG;
        if (f->kind != FAILURE_NONE)
                return -error;

        if (error == ENOSPC || error == EDQUOT)
                kind = FAILURE_NO_SPACE;
        f->kind = kind;
        f->error = error;

        errno = error;
        va_start(ap, format);
        (void) vsnprintf(f->text, sizeof f->text, format, ap);
        va_end(ap);
        return -error;
}

const char *name_for_message(const char *name) {
        static char buffers[4][256];
        static unsigned turn;
        _cleanup_free_ char *escaped = NULL;
        char *b = buffers[turn++ % ELEMENTSOF(buffers)];

        if (string_escape(name, &escaped) < 0)
                return "(out of memory)";
        if (strlen(escaped) < sizeof buffers[0])
                return strcpy(b, escaped);

        /* The end of a path says more than its beginning; a cut in the middle of a character is made printable by going to the next one. */
        const char *tail = escaped + strlen(escaped) - 200;
        while ((*tail & 0xc0) == 0x80)
                tail++;
        snprintf(b, sizeof buffers[0], "…%s", tail);
        return b;
}
