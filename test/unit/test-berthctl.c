/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* berthctl's parts that print and parse: tables, JSON, errors, progress, option values, files that are being written. */

#include "unit.h"

#include <archive.h>
#include <archive_entry.h>
#include <signal.h>
#include <sys/stat.h>

#include "machinectl-plugin/bus-error.h"
#include "machinectl-plugin/destination.h"
#include "machinectl-plugin/detach.h"
#include "machinectl-plugin/image-metadata.h"
#include "machinectl-plugin/parse.h"
#include "machinectl-plugin/progress.h"
#include "machinectl-plugin/table.h"
#include "shared/bus-names.h"

static const TableColumn columns[] = {
        { "NAME", "name" },
        { "SIZE", "size", TABLE_RIGHT },
        { "TEXT", "text", TABLE_SHRINK },
};

static Table *make_table(void) {
        Table *t;

        ck_assert_int_eq(table_new(columns, ELEMENTSOF(columns), &t), 0);
        table_add_text(t, "web10", COLOUR_GREEN);
        table_add_size(t, 144 * 1024 * 1024);
        table_add_text(t, "\033]0;owned\007 and\nmore", NULL);
        table_add_text(t, "web9", NULL);
        table_add_number(t, 5, NULL);
        table_add_text(t, NULL, NULL);
        return t;
}

static char *print_table(Table *t, TableStyle style) {
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);

        ck_assert_int_eq(table_print(t, &style, f), 0);
        fclose(f);
        return text;
}

START_TEST(test_table_layout) {
        _cleanup_(table_freep) Table *t = make_table();
        _cleanup_free_ char *text = NULL, *bare = NULL;

        table_sort(t, 0);
        ck_assert_uint_eq(table_rows(t), 2);
        text = print_table(t, (TableStyle) { .legend = true });
        ck_assert_str_eq(text,
                         "NAME    SIZE TEXT\n"
                         "web9       5 -\n"
                         "web10 144.0M \\x1b]0;owned\\x07 and\\x0amore\n");
        bare = print_table(t, (TableStyle) {});
        ck_assert_ptr_null(strstr(bare, "NAME"));
}
END_TEST

START_TEST(test_table_colour) {
        _cleanup_(table_freep) Table *t = make_table();
        _cleanup_free_ char *text = print_table(t, (TableStyle) { .legend = true, .colour = true });

        ck_assert_ptr_nonnull(strstr(text, COLOUR_GREEN "web10" COLOUR_OFF));
        ck_assert_ptr_nonnull(strstr(text, COLOUR_UNDERLINE "NAME"));
        ck_assert_ptr_null(strstr(text, "\033]0"));
}
END_TEST

START_TEST(test_table_narrow) {
        _cleanup_(table_freep) Table *t = NULL;
        _cleanup_free_ char *text = NULL;

        ck_assert_int_eq(table_new(columns, ELEMENTSOF(columns), &t), 0);
        table_add_text(t, "dübel", NULL);
        table_add_number(t, 1, NULL);
        table_add_text(t, "größer als der Schirm", NULL);
        table_add_text(t, "漢字", NULL);
        table_add_number(t, 22, NULL);
        table_add_text(t, "漢字漢字漢字漢字", NULL);
        text = print_table(t, (TableStyle) { .legend = true, .width = 20 });
        ck_assert_str_eq(text,
                         "NAME  SIZE TEXT\n"
                         "dübel    1 größer a…\n"
                         "漢字    22 漢字漢字…\n");
}
END_TEST

START_TEST(test_table_json) {
        _cleanup_(table_freep) Table *t = make_table();
        _cleanup_strv_ char **list = NULL;
        _cleanup_free_ char *text = NULL;

        ck_assert_int_eq(strv_extend(&list, "a"), 0);
        ck_assert_int_eq(strv_extend(&list, "b\xc2\x9b\xe2\x80\xae"), 0);
        table_add_list(t, list);
        table_add_fraction(t, -1);
        table_add_fraction(t, 0.5);
        text = print_table(t, (TableStyle) { .json = JSON_SHORT, .legend = true });
        ck_assert_str_eq(text,
                         "[{\"name\":\"web10\",\"size\":150994944,\"text\":\"\\u001b]0;owned\\u0007 and\\nmore\"},"
                         "{\"name\":\"web9\",\"size\":5,\"text\":null},"
                         "{\"name\":[\"a\",\"b\\u009b\\u202e\"],\"size\":null,\"text\":0.5}]\n");
}
END_TEST

START_TEST(test_format) {
        char buffer[32];

        ck_assert_str_eq(format_size(0, buffer), "0B");
        ck_assert_str_eq(format_size(1023, buffer), "1023B");
        ck_assert_str_eq(format_size(1536, buffer), "1.5K");
        ck_assert_str_eq(format_size(UINT64_MAX, buffer), "16.0E");
        ck_assert_str_eq(format_time(0, buffer), "-");
        ck_assert_str_eq(format_time(USEC_INFINITY, buffer), "-");
}
END_TEST

START_TEST(test_timespan) {
        static const struct {
                const char *text;
                uint64_t usec;
        } good[] = {
                { "30", 30 * USEC_PER_SEC }, { "90s", 90 * USEC_PER_SEC }, { "2min 10s", 130 * USEC_PER_SEC }, { "1h", 3600 * USEC_PER_SEC },
                { "500ms", 500 * USEC_PER_MSEC }, { "0", 0 }, { "infinity", USEC_INFINITY },
        };
        static const char *const bad[] = { "", "x", "5x", "-1", "1.5", " 5", "99999999999999999999", "18446744073709551615" };
        uint64_t usec;

        for (size_t i = 0; i < ELEMENTSOF(good); i++) {
                ck_assert_int_eq(parse_timespan(good[i].text, &usec), 0);
                ck_assert_uint_eq(usec, good[i].usec);
        }
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_int_eq(parse_timespan(bad[i], &usec), -EINVAL);
}
END_TEST

START_TEST(test_signal_and_mode) {
        static const char *const bad[] = { "", "0", "SIG", "FOO", "65", "-1", "RTMIN+99", "SIGRTMIN-1" };
        mode_t mode;
        int number;

        ck_assert(parse_signal("TERM", &number) == 0 && number == SIGTERM);
        ck_assert(parse_signal("sighup", &number) == 0 && number == SIGHUP);
        ck_assert(parse_signal("9", &number) == 0 && number == SIGKILL);
        ck_assert(parse_signal("SIGRTMIN+3", &number) == 0 && number == SIGRTMIN + 3);
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(parse_signal(bad[i], &number) == -EINVAL, "'%s'", bad[i]);

        ck_assert(parse_mode("0644", &mode) == 0 && mode == 0644);
        ck_assert(parse_mode("4755", &mode) == 0 && mode == 04755);
        ck_assert_int_eq(parse_mode("", &mode), -EINVAL);
        ck_assert_int_eq(parse_mode("888", &mode), -EINVAL);
        ck_assert_int_eq(parse_mode("17777", &mode), -EINVAL);
}
END_TEST

static char *explain(const char *name, const char *message, const char *target, bool asked) {
        sd_bus_error error = SD_BUS_ERROR_MAKE_CONST(name, message);
        char *text;

        ck_assert_int_eq(bus_error_explain(-EIO, &error, "start", target, asked, &text), 0);
        return text;
}

START_TEST(test_errors) {
        static const struct {
                const char *name, *message, *target, *expected;
                bool asked;
        } cases[] = {
                { "", "", "w", "'start' failed: Input/output error." },
                { BERTH_ERROR_NO_SUCH_CONTAINER, "There is no container 'w'.", "w", "There is no container 'w'. See 'berthctl list'." },
                { BERTH_ERROR_NOT_RUNNING, "Container 'w' is not running", "w", "Container 'w' is not running. Start it with 'berthctl start w'." },
                { BERTH_ERROR_NOT_RUNNING, "Not running.", NULL, "Not running." },
                { BERTH_ERROR_BAD_ARCHIVE, "The archive is empty.", "/tmp/x.tar", "'/tmp/x.tar': The archive is empty." },
                { BERTH_ERROR_JOB_FAILED, "The job of 'w' failed.", "w", "The job of 'w' failed." },
                { BERTH_ERROR_NO_SPACE, "", NULL, BERTH_ERROR_NO_SPACE "." },
                { SD_BUS_ERROR_ACCESS_DENIED, "Not allowed to start container 'w'.", "w",
                  "Not allowed to start container 'w'. Polkit decides this; see ACCESS in berthctl(1)." },
                { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "", "w",
                  "Not allowed to start 'w'. An administrator's password may allow it: run it on a terminal and without --no-ask-password." },
                { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED, "", "w", "Not allowed to start 'w'. Polkit decides this; see ACCESS in berthctl(1).", true },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *text = explain(cases[i].name, cases[i].message, cases[i].target, cases[i].asked);

                ck_assert_str_eq(text, cases[i].expected);
        }
}
END_TEST

/* The manager died under us: its work goes on, and we say where to look. */
START_TEST(test_lost_manager) {
        _cleanup_free_ char *text = explain(SD_BUS_ERROR_NO_REPLY, "Remote peer disconnected", "w", false), *reset = NULL;

        ck_assert_ptr_nonnull(strstr(text, "berthctl list-jobs"));
        ck_assert_int_eq(bus_error_explain(-ECONNRESET, NULL, "start", "w", false, &reset), 0);
        ck_assert_str_eq(text, reset);
}
END_TEST

START_TEST(test_progress) {
        _cleanup_free_ char *half = NULL, *unknown = NULL, *all = NULL, *whole = NULL;

        /* No half characters. */
        ck_assert_int_eq(progress_format(-1, "a\xc3\xa4\xc3\xa4", 5, &whole), 0);
        ck_assert_str_eq(whole, "a\xc3\xa4");
        ck_assert_int_eq(progress_format(0.5, "unpacking\033[2J", 60, &half), 0);
        ck_assert_str_eq(half, "[==============>               ]  50% unpacking\\x1b[2J");
        ck_assert_int_eq(progress_format(-1, "reading", 60, &unknown), 0);
        ck_assert_str_eq(unknown, "reading");
        ck_assert_int_eq(progress_format(7, "", 20, &all), 0);
        ck_assert_str_eq(all, "[==========] 100% ");
}
END_TEST

START_TEST(test_detach) {
        Detach d = {};

        ck_assert(!detach_feed(&d, "\035\035", 2, 1000));
        ck_assert(detach_feed(&d, "\035", 1, 2000));
        d = (Detach) {};
        ck_assert(!detach_feed(&d, "\035\035x\035", 4, 1000));
        ck_assert(!detach_feed(&d, "\035", 1, 1000));
        ck_assert(!detach_feed(&d, "\035", 1, 1000 + 2 * USEC_PER_SEC));
        ck_assert(!detach_feed(&d, "\035", 1, 1001 + 2 * USEC_PER_SEC));
        ck_assert(detach_feed(&d, "\035", 1, 1002 + 2 * USEC_PER_SEC));
}
END_TEST

static void write_word(const char *path, bool replace, const char *word, int expected) {
        _cleanup_(destination_done) Destination d = DESTINATION_NONE;

        ck_assert_int_eq(destination_open(path, replace, &d), expected);
        if (expected < 0)
                return;
        ck_assert_int_eq(write(d.fd, word, strlen(word)), (ssize_t) strlen(word));
        ck_assert_int_eq(destination_commit(&d), 0);
}

START_TEST(test_destination) {
        _cleanup_(destination_done) Destination d = DESTINATION_NONE;
        _cleanup_free_ char *directory = unit_make_directory(), *path = NULL;
        struct stat st;

        ck_assert_int_ge(asprintf(&path, "%s/file", directory), 0);
        umask(0022);
        write_word(path, false, "one", 0);
        write_word(path, false, "two", -EEXIST);
        write_word(path, true, "four", 0);
        ck_assert_int_eq(stat(path, &st), 0);
        ck_assert_int_eq(st.st_size, 4);
        ck_assert_uint_eq(st.st_mode & 07777, 0644);
        write_word(directory, true, "", -EISDIR);
        write_word("/dev/null", false, "x", 0);

        /* Not committed: the old file is as it was, and nothing else is there. */
        ck_assert_int_eq(destination_open(path, true, &d), 0);
        ck_assert_int_eq(write(d.fd, "half", 4), 4);
        destination_done(&d);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

/* Of the only file in it. */
static char *metadata_of(const char *description, time_t *ret_time) {
        _cleanup_json_ json_object *image = json_object_new_object(), *properties = json_object_new_object();
        struct archive *a = archive_read_new();
        char *text = calloc(1, 8192);
        struct archive_entry *e;
        int fd;

        json_object_object_add(image, "CreatedUSec", json_object_new_uint64(UINT64_C(1424284563999999)));
        json_object_object_add(image, "ExpiresUSec", json_object_new_uint64(0));
        json_object_object_add(image, "Architecture", json_object_new_string("aarch64"));
        json_object_object_add(image, "Description", json_object_new_string(description));
        json_object_object_add(properties, "os", json_object_new_string("a \"b\""));
        json_object_object_add(image, "Properties", json_object_get(properties));
        ck_assert_int_eq(image_metadata_archive(image, &fd), 0);
        ck_assert_int_eq(archive_read_support_format_tar(a), ARCHIVE_OK);
        ck_assert_int_eq(archive_read_open_fd(a, fd, 512), ARCHIVE_OK);
        ck_assert_int_eq(archive_read_next_header(a, &e), ARCHIVE_OK);
        ck_assert_str_eq(archive_entry_pathname(e), "metadata.yaml");
        ck_assert_uint_eq(archive_entry_mode(e), S_IFREG | 0644);
        *ret_time = archive_entry_mtime(e);
        ck_assert_int_eq(archive_read_data(a, text, 8191), archive_entry_size(e));
        ck_assert_int_eq(archive_read_next_header(a, &e), ARCHIVE_EOF);
        ck_assert_int_eq(archive_read_free(a), ARCHIVE_OK);
        ck_assert_int_eq(lseek(fd, 0, SEEK_END) % 512, 0);
        ck_assert_int_eq(close(fd), 0);
        return text;
}

/* Whatever its length, the text is whole. */
START_TEST(R28_metadata_archive) {
        time_t t;

        for (size_t n = 0; n < 1100; n++) {
                char description[1101] = "", expected[2048];
                _cleanup_free_ char *text = NULL;

                memset(description, 'd', n);
                text = metadata_of(description, &t);
                snprintf(expected, sizeof expected, "architecture: aarch64\ncreation_date: 1424284563\nproperties:\n  \"os\": \"a \\\"b\\\"\"\n%s%s%s",
                         n > 0 ? "  \"description\": \"" : "", description, n > 0 ? "\"\n" : "");
                ck_assert_str_eq(text, expected);
                ck_assert_int_eq(t, 1424284563);
        }
}
END_TEST

UNIT_TESTS("berthctl", R28_metadata_archive, test_table_layout, test_table_colour, test_table_narrow, test_table_json, test_format, test_timespan,
           test_signal_and_mode, test_errors, test_lost_manager, test_progress, test_detach, test_destination)
