/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* KEY=VALUE as it is given for --set and set. In user.KEY=@FILE the value is what is in the file, "-" being standard input; other keys have
 * values of their own that begin with '@'. Failures have been reported. */
int assignments_read(char *const *given, char ***ret);
