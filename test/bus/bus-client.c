/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A client of org.berth1 for tests: what busctl(1) cannot do, that is, methods that pass file descriptors, sessions, floods, and callers that
 * go away while they are served. It talks to the manager as any other program does. */

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "basic/clock.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "shared/bus-names.h"
#include "shared/message.h"

static int usage(void) {
        fputs("bus-client import FILE[,FILE] [ALIAS]\n"
              "bus-client exec|run-in NAME COMMAND...      prints what it prints, exits as it exits\n"
              "bus-client exec-fd NAME PATH                passes PATH, opened O_PATH or as a directory, as standard input\n"
              "bus-client console NAME                     prints the first bytes of the console\n"
              "bus-client copy-to NAME PATH FILE | copy-from NAME PATH FILE\n"
              "bus-client vanish METHOD NAME N             N callers that are gone 0 to 20 ms after their calls\n"
              "bus-client times METHOD NAME NAME N         N calls about each, which have to fail; the medians in microseconds\n"
              "bus-client flood N                          N calls whose answers nobody reads\n"
              "bus-client spoof                            sends the manager signals in the name of systemd\n"
              "bus-client listen                           prints the names of all signals of the manager that it hears\n"
              "bus-client import-cancel FILE               cancels its own job when it hears of it\n",
              stderr);
        return 2;
}

static int new_call(sd_bus *bus, const char *member, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(bus, ret, BERTH_BUS_NAME, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE, member);
}

static int call(sd_bus *bus, sd_bus_message *m, sd_bus_message **ret) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call(bus, m, 120 * USEC_PER_SEC, &error, ret);
        if (r < 0)
                fprintf(stderr, "%s: %s\n", error.name ?: "failed", error.message ?: strerror(-r));
        return r;
}

static int open_file(const char *path, int flags) {
        int fd = open(path, flags | O_CLOEXEC, 0600);

        if (fd < 0)
                fprintf(stderr, "%s: %m\n", path);
        return fd;
}

static int new_import(sd_bus *bus, char *files, const char *alias, sd_bus_message **ret) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = new_call(bus, "ImportImage", &m);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "h");
        for (char *file; r >= 0 && (file = strsep(&files, ","));) {
                _cleanup_close_ int fd = open_file(file, O_RDONLY);

                r = fd < 0 ? fd : sd_bus_message_append(m, "h", fd);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        if (r >= 0)
                r = alias ? sd_bus_message_append(m, "a{sv}", 1, "aliases", "as", 1, alias) : sd_bus_message_append(m, "a{sv}", 0);
        if (r >= 0)
                *ret = TAKE_PTR(m);
        return r;
}

static int do_import(sd_bus *bus, char *files, const char *alias) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        const char *fingerprint;
        int r;

        r = new_import(bus, files, alias, &m);
        if (r >= 0)
                r = call(bus, m, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "s", &fingerprint);
        if (r >= 0)
                puts(fingerprint);
        return MIN_OF(r, 0);
}

static int on_job_started(sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error) {
        uint32_t id;

        if (sd_bus_message_read(m, "u", &id) >= 0)
                (void) sd_bus_call_method_async(sd_bus_message_get_bus(m), NULL, BERTH_BUS_NAME, BERTH_BUS_PATH, BERTH_MANAGER_INTERFACE,
                                                "CancelJob", NULL, NULL, "u", id);
        return 0;
}

static int on_imported(sd_bus_message *m, void *userdata, _unused_ sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);

        printf("%s\n", e ? e->name : "imported");
        *(bool *) userdata = true;
        return 0;
}

static int do_import_cancel(sd_bus *bus, char *file) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        bool done = false;
        int r;

        r = sd_bus_match_signal(bus, NULL, NULL, NULL, BERTH_JOB_INTERFACE, "Started", on_job_started, NULL);
        if (r >= 0)
                r = new_import(bus, file, NULL, &m);
        if (r >= 0)
                r = sd_bus_call_async(bus, NULL, m, on_imported, &done, 120 * USEC_PER_SEC);
        while (r >= 0 && !done) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        return MIN_OF(r, 0);
}

static int wait_for_exit(int session) {
        for (;;) {
                _cleanup_(message_freep) Message *m = NULL;
                const char *event;
                uint32_t n;
                int r;

                r = message_receive(session, &m);
                if (r < 0) {
                        fprintf(stderr, "The session has ended: %s\n", strerror(-r));
                        return r;
                }
                event = message_get(m, "event") ?: "";
                if (streq(event, "error")) {
                        fprintf(stderr, "%s: %s\n", message_get(m, "error"), message_get(m, "message"));
                        return -EPROTO;
                }
                if (streq(event, "exited")) {
                        if (message_get_u32(m, "code", &n) >= 0)
                                return (int) n;
                        return message_get_u32(m, "signal", &n) >= 0 ? 128 + (int) n : -EBADMSG;
                }
        }
}

static int do_exec(sd_bus *bus, const char *member, const char *name, char **argv, int in) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        int session, r;

        r = new_call(bus, member, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", name);
        if (r >= 0)
                r = sd_bus_message_append_strv(m, argv);
        if (r >= 0)
                r = sd_bus_message_append(m, "as", 1, "BUS_CLIENT=yes");
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 0);
        if (r >= 0)
                r = sd_bus_message_append(m, "ah", 3, in, STDOUT_FILENO, STDERR_FILENO);
        if (r >= 0)
                r = call(bus, m, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "h", &session);
        return r < 0 ? r : wait_for_exit(session);
}

static int do_console(sd_bus *bus, const char *name) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL, *reply = NULL;
        _cleanup_(message_freep) Message *attached = NULL;
        struct pollfd p = { .events = POLLIN };
        char data[1024];
        int session, r;
        ssize_t n;

        r = new_call(bus, "OpenConsole", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "sa{sv}", name, 2, "rows", "u", 24U, "columns", "u", 80U);
        if (r >= 0)
                r = call(bus, m, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "h", &session);
        if (r >= 0)
                r = message_receive(session, &attached);
        if (r < 0)
                return r;
        p.fd = message_take_fd(attached, 0);
        if (write(p.fd, "\n", 1) < 0 || poll(&p, 1, 5000) <= 0)
                return -ETIMEDOUT;
        n = read(p.fd, data, sizeof data);
        return n > 0 && fwrite(data, 1, (size_t) n, stdout) > 0 ? 0 : -EIO;
}

static int do_copy(sd_bus *bus, bool to, const char *name, const char *path, const char *file) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        _cleanup_close_ int fd = open_file(file, to ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC);
        int r;

        if (fd < 0)
                return fd;
        r = new_call(bus, to ? "CopyTo" : "CopyFrom", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "ssha{sv}", name, path, fd, 0);
        if (r >= 0)
                r = call(bus, m, NULL);
        return MIN_OF(r, 0);
}

/* Before, while and after the manager and polkit look who it is. */
static int do_vanish(const char *member, const char *name, unsigned n) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < n; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
                _cleanup_(sd_bus_close_unrefp) sd_bus *bus = NULL;

                r = sd_bus_open_system(&bus);
                if (r >= 0)
                        r = new_call(bus, member, &m);
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", name);
                if (r >= 0)
                        r = sd_bus_send(bus, m, NULL);
                if (r >= 0)
                        r = sd_bus_flush(bus);
                (void) usleep(i % 21 * USEC_PER_MSEC);
        }
        return MIN_OF(r, 0);
}

static int compare(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

/* In turns, so that what else goes on concerns both. */
static int do_times(sd_bus *bus, const char *member, char *names[], unsigned n) {
        _cleanup_free_ uint64_t *times = calloc(n, 2 * sizeof *times);

        for (unsigned i = 0; times && i < 2 * n; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
                uint64_t began;
                int r;

                r = new_call(bus, member, &m);
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", names[i % 2]);
                if (r < 0)
                        return r;
                began = clock_usec(CLOCK_MONOTONIC);
                if (sd_bus_call(bus, m, 0, NULL, NULL) >= 0) {
                        fprintf(stderr, "%s of '%s' has not failed\n", member, names[i % 2]);
                        return -EEXIST;
                }
                times[i % 2 * n + i / 2] = clock_usec(CLOCK_MONOTONIC) - began;
        }
        if (!times)
                return -ENOMEM;
        qsort(times, n, sizeof *times, compare);
        qsort(times + n, n, sizeof *times, compare);
        printf("%llu %llu\n", (unsigned long long) times[n / 2], (unsigned long long) times[n + n / 2]);
        return 0;
}

static int do_flood(sd_bus *bus, unsigned n) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < n; i++) {
                _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;

                r = new_call(bus, "StartContainer", &m);
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", "nobody");
                if (r >= 0)
                        r = sd_bus_send(bus, m, NULL);
        }
        if (r >= 0)
                r = sd_bus_flush(bus);
        return MIN_OF(r, 0);
}

static int do_spoof(sd_bus *bus) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_signal(bus, &m, "/org/freedesktop/systemd1/unit/berth_40web1_2eservice", "org.freedesktop.DBus.Properties",
                                      "PropertiesChanged");
        if (r >= 0)
                r = sd_bus_message_append(m, "sa{sv}as", "org.freedesktop.systemd1.Unit", 1, "ActiveState", "s", "failed", 0);
        if (r >= 0)
                r = sd_bus_message_set_destination(m, BERTH_BUS_NAME);
        if (r >= 0)
                r = sd_bus_send(bus, m, NULL);
        if (r >= 0)
                r = sd_bus_flush(bus);
        return MIN_OF(r, 0);
}

static int on_signal(sd_bus_message *m, _unused_ void *userdata, _unused_ sd_bus_error *error) {
        printf("%s %s; ", sd_bus_message_get_member(m), sd_bus_message_get_path(m));
        return fflush(stdout);
}

static int do_listen(sd_bus *bus) {
        int r;

        r = sd_bus_add_match(bus, NULL, "type='signal',sender='" BERTH_BUS_NAME "'", on_signal, NULL);
        while (r >= 0) {
                r = sd_bus_process(bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(bus, UINT64_MAX);
        }
        return r;
}

int main(int argc, char *argv[]) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        const char *verb = argc > 1 ? argv[1] : "";
        unsigned n;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0) {
                fprintf(stderr, "Cannot connect to the bus: %s\n", strerror(-r));
                return EXIT_FAILURE;
        }

        if (streq(verb, "import") && argc >= 3)
                r = do_import(bus, argv[2], argv[3]);
        else if (streq(verb, "import-cancel") && argc == 3)
                r = do_import_cancel(bus, argv[2]);
        else if (streq(verb, "exec") && argc >= 4)
                r = do_exec(bus, "ExecContainer", argv[2], argv + 3, STDIN_FILENO);
        else if (streq(verb, "run-in") && argc >= 4)
                r = do_exec(bus, "RunInContainer", argv[2], argv + 3, STDIN_FILENO);
        else if (streq(verb, "exec-fd") && argc == 4) {
                _cleanup_close_ int fd = open_file(argv[3], O_PATH);

                r = fd < 0 ? fd : do_exec(bus, "ExecContainer", argv[2], (char *[]) { (char *) "/bin/true", NULL }, fd);
        } else if (streq(verb, "console") && argc == 3)
                r = do_console(bus, argv[2]);
        else if (streq(verb, "copy-to") && argc == 5)
                r = do_copy(bus, true, argv[2], argv[3], argv[4]);
        else if (streq(verb, "copy-from") && argc == 5)
                r = do_copy(bus, false, argv[2], argv[3], argv[4]);
        else if (streq(verb, "vanish") && argc == 5 && parse_u32(argv[4], 1000000, &n) >= 0)
                r = do_vanish(argv[2], argv[3], n);
        else if (streq(verb, "times") && argc == 6 && parse_u32(argv[5], 100000, &n) >= 0 && n > 0)
                r = do_times(bus, argv[2], argv + 3, n);
        else if (streq(verb, "flood") && argc == 3 && parse_u32(argv[2], 1000000, &n) >= 0)
                r = do_flood(bus, n);
        else if (streq(verb, "listen") && argc == 2)
                r = do_listen(bus);
        else if (streq(verb, "spoof") && argc == 2)
                r = do_spoof(bus);
        else
                return usage();
        return r < 0 ? EXIT_FAILURE : r;
}
