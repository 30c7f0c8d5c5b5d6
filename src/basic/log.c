/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "basic/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static struct {
        const char *program;
        int max_level;
        bool prefix;
} config = { .program = "berth", .max_level = LOG_INFO };

static const char *const level_names[] = {
        [LOG_EMERG] = "emerg", [LOG_ALERT] = "alert", [LOG_CRIT] = "crit", [LOG_ERR] = "err",
        [LOG_WARNING] = "warning", [LOG_NOTICE] = "notice", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

void log_open(const char *program) {
        const char *e = getenv("BERTH_LOG_LEVEL");

        config.program = program;
        config.prefix = getenv("JOURNAL_STREAM") && !isatty(STDERR_FILENO);

        if (e)
                for (size_t i = 0; i < ELEMENTSOF(level_names); i++)
                        if (strcmp(e, level_names[i]) == 0 || (e[0] == (char) ('0' + i) && !e[1]))
                                config.max_level = (int) i;
}

void log_set_max_level(int level) {
        config.max_level = level;
}

int log_get_max_level(void) {
        return config.max_level;
}

int log_full(int level, int error, const char *format, ...) {
        char line[2048];
        int saved = errno, n = 0;
        va_list ap;

        error = abs(error);
        if (level > config.max_level)
                return -error;

        if (config.prefix)
                n = snprintf(line, sizeof line, "<%d>", level);
        else
                n = snprintf(line, sizeof line, "%s: ", config.program);

        errno = error;
        va_start(ap, format);
        n += vsnprintf(line + n, sizeof line - (size_t) n, format, ap);
        va_end(ap);
        errno = saved;

        n = MIN_OF(n, (int) sizeof line - 2);
        line[n++] = '\n';

        /* One write: lines of several processes that share a stderr do not mix. */
        (void) !write(STDERR_FILENO, line, (size_t) n);
        return -error;
}
