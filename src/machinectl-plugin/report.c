/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "machinectl-plugin/report.h"

#include <stdarg.h>
#include <stdio.h>

#include "basic/strv.h"

static void say(const char *format, va_list ap) {
        _cleanup_free_ char *text = NULL, *escaped = NULL;

        if (vasprintf(&text, format, ap) < 0) {
                text = NULL;
                fputs("berthctl: Out of memory.\n", stderr);
        } else if (string_escape(text, &escaped) < 0)
                fputs("berthctl: Out of memory.\n", stderr);
        else
                fprintf(stderr, "berthctl: %s\n", escaped);
}

int report_failure(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        say(format, ap);
        va_end(ap);
        return -EINVAL;
}

int report_oom(void) {
        (void) report_failure("Out of memory.");
        return -ENOMEM;
}

int report_usage(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        say(format, ap);
        va_end(ap);
        return EXIT_USAGE;
}

void report_note(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        say(format, ap);
        va_end(ap);
}
