/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Is the text a calendar event expression as in systemd.time(7), which a timer can be made of? PID 1 has the last word, but tells nobody: a timer that
 * it does not understand is a line in its log. Accepted is what systemd accepts, less what would be more often than once a minute, points in time
 * ("@1395716396") and fractions of seconds. -EINVAL: it is none. -ERANGE: it would be too often. */
int calendar_check(const char *text);
