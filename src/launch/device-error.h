/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why a device could not be given: the end of a sentence that begins with its name. Returns error, or -ENOMEM. */
int device_error(char **ret_error, int error, const char *what, const char *path);
