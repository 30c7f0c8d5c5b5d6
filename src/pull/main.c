/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <curl/curl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/strv.h"
#include "pull/transfer.h"
#include "shared/message.h"

/* berth-pull: the only program of berth's that speaks with strangers' servers. It has no right, no file, and a user of its own, and all it can do
 * with what it gets is to write it into the pipe that came with the request. "Downloads" in docs/ARCHITECTURE.md has the messages. */

static void answer(int fd, const char *event, const char *error, const char *format, ...) _printf_(4, 5);
static void answer(int fd, const char *event, const char *error, const char *format, ...) {
        _cleanup_(message_freep) Message *m = NULL;
        char text[TRANSFER_TEXT_MAX + 64];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(text, sizeof text, format, ap);
        va_end(ap);
        if (message_new(&m) < 0 || message_add(m, "event", event) < 0 || (error && message_add(m, "error", error) < 0) || message_add(m, "value", text) < 0 ||
            message_send(fd, m) < 0)
                log_error("Failed to answer.");
}

static void on_size(Transfer *t) {
        answer(*(int *) t->userdata, "size", NULL, "%llu", (unsigned long long) t->total);
}

static int read_number(const Message *m, const char *key, uint64_t *ret) {
        const char *text = message_get(m, key);

        return text ? parse_u64(text, UINT64_MAX, ret) : -EBADMSG;
}

static int serve(CURL *curl, int fd, Message *m) {
        _cleanup_close_ int out = message_take_fd(m, 0);
        TransferRequest request = {
                .url = message_get(m, "url"),
                .proxy_http = message_get(m, "proxy-http"),
                .proxy_https = message_get(m, "proxy-https"),
                .proxy_ignore = message_get(m, "proxy-ignore"),
                .reach_max = message_get_bool(m, "only-public") > 0 ? ADDRESS_PUBLIC : ADDRESS_LOOPBACK,
                .fd = out,
        };
        Transfer t = { .request = &request, .curl = curl, .on_size = on_size, .userdata = &fd };
        int r;

        if (!request.url || out < 0 || read_number(m, "size-max", &request.size_max) < 0 || read_number(m, "stall-seconds", &request.stall_seconds) < 0)
                return log_error_errno(EBADMSG, "A request is not complete.");
        /* Who asks has the beginning, and may know how long it is. */
        if (message_get(m, "offset") && (read_number(m, "offset", &t.done) < 0 || (message_get(m, "size") && read_number(m, "size", &t.total) < 0) ||
                                         t.done > request.size_max || (t.total > 0 && t.done >= t.total)))
                return log_error_errno(EBADMSG, "A request begins nowhere.");
        r = transfer_run(&t);
        out = request.fd = fd_close(out);
        if (r < 0)
                answer(fd, "failed", r == -ENOENT ? "not-found" : r == -ESTALE || r == -EBADMSG ? "changed" : "other", "%s", t.error);
        else
                answer(fd, "done", NULL, "%llu", (unsigned long long) t.done);
        return 0;
}

int main(int argc, char *argv[]) {
        CURL *curl;
        int r = 0;

        log_open("berth-pull");
        if (argc > 1) {
                fprintf(stderr, "berth-pull\n\nDownloads for a job of berth's, which asks on standard input. Not for people.\n");
                return streq(argv[1], "--help") ? EXIT_SUCCESS : EXIT_FAILURE;
        }
        if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(curl = curl_easy_init())) {
                log_error("Failed to set up libcurl.");
                return EXIT_FAILURE;
        }
        while (r >= 0) {
                _cleanup_(message_freep) Message *m = NULL;

                r = message_receive(0, &m);
                if (r >= 0)
                        r = serve(curl, 0, m);
                else if (r != -ENODATA)
                        (void) log_error_errno(r, "Failed to receive a request: %m");
        }
        curl_easy_cleanup(curl);
        curl_global_cleanup();
        return r == -ENODATA ? EXIT_SUCCESS : EXIT_FAILURE;
}
