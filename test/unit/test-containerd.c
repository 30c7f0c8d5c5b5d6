/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The small decisions of the manager: states, kinds of jobs, what a worker's words become on the bus, generated names. */
#include "containerd/container.h"

#include "containerd/error.h"
#include "containerd/job.h"
#include "containerd/random-name.h"
#include "shared/bus-names.h"
#include "shared/names.h"
#include "unit.h"

START_TEST(string_tables) {
        for (int i = 0; i < _CONTAINER_STATE_MAX; i++) {
                const char *s = container_state_to_string((ContainerState) i);

                ck_assert_ptr_nonnull(s);
                ck_assert_int_eq(container_state_from_string(s), i);
        }
        for (int i = 0; i < _JOB_KIND_MAX; i++) {
                const char *s = job_kind_to_string((JobKind) i);

                ck_assert_ptr_nonnull(s);
                ck_assert_int_eq(job_kind_from_string(s), i);
        }
        ck_assert_int_lt(container_state_from_string("dancing"), 0);
        ck_assert_int_lt(job_kind_from_string(""), 0);
        ck_assert_ptr_null(container_state_to_string(_CONTAINER_STATE_INVALID));
        ck_assert_ptr_null(job_kind_to_string(_JOB_KIND_INVALID));
}
END_TEST

START_TEST(unit_states) {
        ck_assert_int_eq(container_state_from_unit("active"), CONTAINER_RUNNING);
        ck_assert_int_eq(container_state_from_unit("activating"), CONTAINER_STARTING);
        ck_assert_int_eq(container_state_from_unit("deactivating"), CONTAINER_STOPPING);
        ck_assert_int_eq(container_state_from_unit("inactive"), CONTAINER_STOPPED);
        ck_assert_int_eq(container_state_from_unit("failed"), CONTAINER_FAILED);
        ck_assert_int_lt(container_state_from_unit("something new"), 0);
}
END_TEST

START_TEST(errors) {
        static const struct {
                const char *text, *name, *message;
        } rows[] = {
                { "NoSpace No space is left.", BERTH_ERROR_NO_SPACE, "No space is left." },
                { "no-name at all", BERTH_ERROR_JOB_FAILED, "no-name at all" },
                { "word", BERTH_ERROR_JOB_FAILED, "word" },
                { "BadArchive red \x1b[31m line\nnext", BERTH_ERROR_BAD_ARCHIVE, NULL },
                { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA long", BERTH_ERROR_JOB_FAILED, NULL },
                { "", BERTH_ERROR_JOB_FAILED, NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                _cleanup_(sd_bus_error_free) sd_bus_error e = SD_BUS_ERROR_NULL;

                ck_assert_int_lt(error_from_text(&e, rows[i].text), 0);
                ck_assert_str_eq(e.name, rows[i].name);
                if (rows[i].message)
                        ck_assert_str_eq(e.message, rows[i].message);
                ck_assert_ptr_null(strpbrk(e.message, "\x1b\n"));
        }
}
END_TEST

static Job *new_job(void) {
        Job *j = calloc(1, sizeof *j);

        j->manager = calloc(1, sizeof(Manager));
        j->status = strdup("");
        j->progress = -1;
        j->channel_fd = -EBADF;
        return j;
}

/* What a worker says while it works; a hostile one must not get further than a string. */
START_TEST(job_status) {
        Manager *m;
        Job *j = new_job();

        job_set_status(j, "progress 0.42 unpacking");
        ck_assert_double_eq_tol(j->progress, 0.42, 1e-9);
        ck_assert_str_eq(j->status, "unpacking");
        job_set_status(j, "progress -1 counting");
        ck_assert_double_eq(j->progress, -1);
        job_set_status(j, "progress 0.5");
        ck_assert_str_eq(j->status, "");
        job_set_status(j, "progress nan x");
        job_set_status(j, "progress 2 x");
        job_set_status(j, "progress inf x");
        job_set_status(j, "progress x");
        job_set_status(j, "progress 0.7x");
        ck_assert_double_eq_tol(j->progress, 0.5, 1e-9);
        job_set_status(j, "progress 1 \x1b[31mred");
        ck_assert_ptr_null(strchr(j->status, '\x1b'));
        job_set_status(j, "result fingerprint=abc");
        ck_assert_str_eq(j->result, "fingerprint=abc");
        job_set_status(j, "error NoSpace full");
        ck_assert_str_eq(j->error, "NoSpace full");
        job_set_status(j, "whatever");
        job_set_status(j, "");
        m = j->manager;
        job_free(j);
        free(m);
}
END_TEST

START_TEST(random_names) {
        for (unsigned i = 0; i < 1000; i++) {
                _cleanup_free_ char *name = NULL;

                ck_assert_int_eq(random_name(i % 2, &name), 0);
                ck_assert_msg(container_name_valid(name), "%s", name);
        }
}
END_TEST

UNIT_TESTS("containerd", string_tables, unit_states, errors, job_status, random_names)
