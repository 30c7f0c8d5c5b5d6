/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker/parser.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "basic/child.h"
#include "basic/fd.h"
#include "basic/strv.h"
#include "worker/reader.h"
#include "worker/sandbox.h"

#define TEXT_SIZE_MAX (8U * 1024U * 1024U)

/* In the parser process */
static int run_parser(ParserFunction parse) {
        _cleanup_strv_ char **fields = NULL;
        _cleanup_free_ char *text = NULL, *error = NULL;
        size_t size;
        int r;

        r = fd_read_string(0, TEXT_SIZE_MAX, &text, &size);
        if (r < 0)
                return r;
        if (parse(text, size, &fields, &error) < 0) {
                r = strv_extendf(&fields, "error=%.500s", error ?: "out of memory");
                if (r < 0)
                        return r;
        }
        STRV_FOREACH(f, fields) {
                r = fd_write_all(1, *f, strlen(*f) + 1);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int run_process(ParserFunction parse, const char *text, size_t size, int scratch_fd, char **ret_output, size_t *ret_size) {
        _cleanup_close_ int in_read = -EBADF, in_write = -EBADF, out_read = -EBADF, out_write = -EBADF, void_fd = -EBADF;
        int in[2], out[2], r, status;
        pid_t pid;

        if (pipe2(in, O_CLOEXEC) < 0)
                return -errno;
        in_read = in[0];
        in_write = in[1];
        if (pipe2(out, O_CLOEXEC) < 0)
                return -errno;
        out_read = out[0];
        out_write = out[1];

        r = sandbox_open_void(scratch_fd, &void_fd);
        if (r < 0)
                return r;
        r = sandbox_fork(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS, &pid);
        if (r < 0)
                return r;
        if (r == 0) {
                r = sandbox_become_parser(in_read, out_write, void_fd, READER_MEMORY_MAX);
                _exit(r >= 0 && run_parser(parse) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE);
        }

        in_read = fd_close(in_read);
        out_write = fd_close(out_write);
        /* It reads all before it writes, so this cannot block for good; EPIPE shows in its exit status. */
        r = fd_write_all(in_write, text, size);
        in_write = fd_close(in_write);
        if (r >= 0 || r == -EPIPE)
                r = fd_read_string(out_read, MESSAGE_SIZE_MAX, ret_output, ret_size);
        out_read = fd_close(out_read);
        status = child_wait(pid);
        if (r >= 0 && status != 0) {
                free(*ret_output);
                *ret_output = NULL;
                r = -EPROTO;
        }
        return r;
}

int parser_run(ParserFunction parse, const char *text, size_t size, int scratch_fd, Message **ret) {
        _cleanup_free_ char *output = NULL;
        size_t output_size = 0;
        int r;

        r = run_process(parse, text, size, scratch_fd, &output, &output_size);
        return r < 0 ? r : message_parse(output, output_size, ret);
}
