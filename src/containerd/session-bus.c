/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "containerd/session-bus.h"

#include <stdio.h>
#include <string.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "containerd/container-bus.h"
#include "containerd/fd-check.h"
#include "containerd/options.h"
#include "containerd/session.h"
#include "shared/bus-names.h"

#define TERMINAL_SIZE_MAX 65535U

static int add_size(Message *request, uint32_t rows, uint32_t columns, sd_bus_error *error) {
        int r;

        if (rows > TERMINAL_SIZE_MAX || columns > TERMINAL_SIZE_MAX)
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "No terminal is that large.");
        if (rows == 0 || columns == 0)
                return 0;
        r = message_addf(request, "rows", "%u", rows);
        return r < 0 ? r : message_addf(request, "columns", "%u", columns);
}

/* Reads `ah stdio` into the request: nothing with a terminal, else exactly standard input, output and error. */
static int add_stdio(sd_bus_message *m, Message *request, bool tty, sd_bus_error *error) {
        size_t n;
        int r;

        r = fd_check_array(m, 3, request, &n, error);
        if (r < 0)
                return r;
        if (n != (tty ? 0U : 3U))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT,
                                        tty ? "With a terminal no file descriptors are passed." : "Standard input, output and error are needed, three file descriptors.");
        return 0;
}

static int check_command(char *const *argv, char *const *environment, sd_bus_error *error) {
        size_t size = 0;

        if (strv_length(argv) + strv_length(environment) > ARGUMENTS_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "More than %u arguments and variables.", ARGUMENTS_MAX);
        STRV_FOREACH(a, argv)
                size += strlen(*a) + 1;
        STRV_FOREACH(e, environment) {
                const char *equals = strchr(*e, '=');

                if (!equals || equals == *e)
                        return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "A variable is given as NAME=VALUE.");
                size += strlen(*e) + 1;
        }
        if (size > REQUEST_BYTES_MAX)
                return sd_bus_error_setf(error, BERTH_ERROR_LIMIT_REACHED, "Arguments and variables of more than %u bytes.", REQUEST_BYTES_MAX);
        if (!argv || isempty(argv[0]))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "There is no command to run.");
        return 0;
}

static int read_exec(sd_bus_message *m, Message **ret, sd_bus_error *error) {
        _cleanup_strv_ char **argv = NULL, **environment = NULL;
        _cleanup_(message_freep) Message *request = NULL;
        const char *user = NULL, *directory = NULL;
        uint32_t rows = 0, columns = 0;
        bool tty = false;
        const Option options[] = {
                { "user", 's', &user },
                { "working_directory", 's', &directory },
                { "tty", 'b', &tty },
                { "rows", 'u', &rows },
                { "columns", 'u', &columns },
        };
        int r;

        r = sd_bus_message_read_strv(m, &argv);
        if (r >= 0)
                r = sd_bus_message_read_strv(m, &environment);
        if (r >= 0)
                r = check_command(argv, environment, error);
        if (r >= 0)
                r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r < 0)
                return r;
        if ((user && strlen(user) > 256) || (directory && strlen(directory) >= TEXT_BYTES_MAX))
                return sd_bus_error_set(error, BERTH_ERROR_INVALID_ARGUMENT, "The user or the working directory is too long.");

        r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "request", "exec");
        if (r >= 0)
                r = message_add_strv(request, "argv", argv);
        if (r >= 0)
                r = message_add_strv(request, "env", environment);
        if (r >= 0 && !isempty(user))
                r = message_add(request, "user", user);
        if (r >= 0 && !isempty(directory))
                r = message_add(request, "cwd", directory);
        if (r >= 0)
                r = message_add(request, "tty", tty ? "1" : "0");
        if (r >= 0 && tty)
                r = add_size(request, rows, columns, error);
        if (r >= 0)
                r = add_stdio(m, request, tty, error);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(request);
        return 0;
}

static int open_and_reply(Container *c, const Message *request, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = session_open(c, request, &fd, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, "h", fd);
}

int session_bus_exec(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r = read_exec(m, &request, error);

        return r < 0 ? r : open_and_reply(object, request, m, error);
}

int session_bus_console(_unused_ Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        uint32_t rows = 0, columns = 0;
        const Option options[] = {
                { "rows", 'u', &rows },
                { "columns", 'u', &columns },
        };
        int r;

        r = options_read(m, options, ELEMENTSOF(options), NULL, NULL, error);
        if (r >= 0)
                r = message_new(&request);
        if (r >= 0)
                r = message_add(request, "request", "console");
        if (r >= 0)
                r = add_size(request, rows, columns, error);
        return r < 0 ? r : open_and_reply(object, request, m, error);
}

static void on_run_in(void *userdata, int fd, const sd_bus_error *error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = userdata;
        int r;

        r = error ? sd_bus_reply_method_error(m, error) : sd_bus_reply_method_return(m, "h", fd);
        if (r < 0)
                log_debug_errno(r, "Cannot answer a call of RunInContainer, ignoring: %m");
}

int session_bus_run_in(Call *call, void *object, sd_bus_message *m, sd_bus_error *error) {
        _cleanup_(message_freep) Message *request = NULL;
        int r;

        r = read_exec(m, &request, error);
        if (r >= 0)
                r = container_bus_check_running(call, object, error);
        if (r < 0)
                return r;
        r = session_run_in(object, request, on_run_in, sd_bus_message_ref(m), error);
        if (r < 0) {
                sd_bus_message_unref(m);
                return r;
        }
        TAKE_PTR(request);
        return 1;
}
