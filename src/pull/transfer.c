/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pull/transfer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/strv.h"

#define REDIRECTIONS_MAX 5U
#define ATTEMPTS_MAX 3U          /* in a row that bring next to nothing */
#define ATTEMPT_BYTES_MIN (64U * 1024U)
#define ATTEMPTS_ALL_MAX 100U
#define CONNECT_SECONDS 30L
#define STALL_BYTES_PER_SECOND 64L

static int fail(Transfer *t, bool final, int error, const char *format, ...) _printf_(4, 5);
static int fail(Transfer *t, bool final, int error, const char *format, ...) {
        va_list ap;

        /* The first reason: a callback knows more than libcurl, which only sees that it failed. */
        if (!t->error[0]) {
                va_start(ap, format);
                (void) vsnprintf(t->error, sizeof t->error, format, ap);
                va_end(ap);
                t->final = final;
        }
        return error;
}

/* Called for each address that is tried, so also for one that a name has meanwhile been given. */
static curl_socket_t open_socket(void *userdata, _unused_ curlsocktype purpose, struct curl_sockaddr *a) {
        AddressReach reach = address_reach(&a->addr, a->addrlen);
        Transfer *t = userdata;

        /* A proxy is the administrator's, and where it connects to is for it to decide. */
        if (!t->proxied && (reach > t->reach_max || reach == ADDRESS_NO_HOST)) {
                (void) fail(t, true, 0, "'%.200s' has an address that is %s, and may not be asked for images", t->url, address_reach_to_string(reach));
                return CURL_SOCKET_BAD;
        }
        t->reach = reach;
        return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static bool header_is(const char *line, const char *name, char *value, size_t size) {
        size_t n = strlen(name);

        if (strncasecmp(line, name, n) != 0 || line[n] != ':')
                return false;
        line += n + 1;
        line += strspn(line, " \t");
        n = strcspn(line, "\r\n");
        if (n >= size)
                return false;
        memcpy(value, line, n);
        value[n] = 0;
        return true;
}

static size_t on_header(char *data, size_t size, size_t n, void *userdata) {
        Transfer *t = userdata;
        unsigned long long begin;
        char line[512], value[256];

        size *= n;
        if (size >= sizeof line)
                return size;
        memcpy(line, data, size);
        line[size] = 0;
        /* One that is weak names no bytes (RFC 9110, 13.1.5). */
        if (t->done == 0 && (header_is(line, "ETag", value, sizeof value) || (!t->validator[0] && header_is(line, "Last-Modified", value, sizeof value))) &&
            strncmp(value, "W/", 2) != 0)
                snprintf(t->validator, sizeof t->validator, "%s", value);
        if (t->done > 0 && t->validator[0] == '"' && header_is(line, "ETag", value, sizeof value) && !streq(value, t->validator))
                t->changed = true;
        if (header_is(line, "Content-Range", value, sizeof value))
                t->range_fits = sscanf(value, "bytes %llu-", &begin) == 1 && begin == t->done;
        return size;
}

/* The head of the answer is there. */
static int look(Transfer *t) {
        curl_off_t length = -1;
        long code = 0;
        uint64_t all;

        (void) curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
        (void) curl_easy_getinfo(t->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
        t->looked = true;
        if (code != 200 && code != 206)
                return 0;
        if (t->changed)
                return fail(t, true, -ESTALE, "'%.200s' was changed while it was downloaded", t->url);
        if (code == 206 && !t->range_fits)
                return fail(t, true, -EBADMSG, "the server answers with another part of '%.200s' than it was asked for", t->url);
        /* 200 to a question for a range: all of it again. */
        t->to_skip = code == 200 ? t->done : 0;
        if (length < 0)
                return 0;
        all = (uint64_t) length + (code == 206 ? t->done : 0);
        if (t->total == 0) {
                if (all > t->request->size_max)
                        return fail(t, true, -EFBIG, "'%.200s' has %llu bytes, more than the %llu that it may have", t->url, (unsigned long long) all,
                                    (unsigned long long) t->request->size_max);
                t->total = all;
                if (t->on_size)
                        t->on_size(t);
        } else if (all != t->total)
                return fail(t, true, -ESTALE, "'%.200s' was changed while it was downloaded", t->url);
        return 0;
}

static size_t on_data(char *data, size_t size, size_t n, void *userdata) {
        Transfer *t = userdata;
        size_t all = size * n, skip;
        long code = 0;

        (void) curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
        /* A page that says what went wrong, which may have no end, is not what was asked for. */
        if (code != 200 && code != 206)
                return 0;
        if (!t->looked && look(t) < 0)
                return 0;
        skip = t->to_skip < all ? (size_t) t->to_skip : all;
        t->to_skip -= skip;
        if (all - skip > t->request->size_max - t->done) {
                (void) fail(t, true, 0, "'%.200s' is longer than the %llu bytes that it may have", t->url, (unsigned long long) t->request->size_max);
                return 0;
        }
        if (fd_write_all(t->request->fd, data + skip, all - skip) < 0) {
                (void) fail(t, true, 0, "nobody takes what is downloaded");
                return 0;
        }
        t->done += all - skip;
        return all;
}

static bool host_is_ignored(const char *host, const char *list) {
        for (const char *s = list; s && *(s += strspn(s, " ,"));) {
                size_t n = strcspn(s, " ,"), length = strlen(host);
                const char *name = *s == '.' ? s + 1 : s;
                size_t name_length = n - (size_t) (name - s);

                if (n == 1 && *s == '*')
                        return true;
                if (name_length > 0 && length >= name_length && strncasecmp(host + length - name_length, name, name_length) == 0 &&
                    (length == name_length || host[length - name_length - 1] == '.'))
                        return true;
                s += n;
        }
        return false;
}

/* What of the next question depends on the URL. */
static int aim(Transfer *t, const char *url, bool must_be_https) {
        _cleanup_free_ char *scheme = NULL, *host = NULL, *user = NULL;
        const char *proxy;
        CURLU *u = curl_url();
        bool https;
        int r = 0;

        if (!u || curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
                r = fail(t, true, -EINVAL, "'%.200s' is no URL", url);
        else if (!streq(scheme, "http") && !streq(scheme, "https"))
                r = fail(t, true, -EPERM, "'%.200s' is neither http: nor https:", url);
        else if (curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
                r = fail(t, true, -EINVAL, "'%.200s' names no host", url);
        else if (strlen(url) >= sizeof t->url)
                r = fail(t, true, -E2BIG, "a URL is too long: '%.200s…'", url);
        else if (must_be_https && !streq(scheme, "https"))
                r = fail(t, true, -EPERM, "the server sends from https: on to '%.200s'", url);
        else
                (void) curl_url_get(u, CURLUPART_USER, &user, 0);
        curl_url_cleanup(u);
        if (r < 0)
                return r;

        https = streq(scheme, "https");
        proxy = https ? t->request->proxy_https : t->request->proxy_http;
        t->proxied = proxy && !host_is_ignored(host, t->request->proxy_ignore);
        memmove(t->url, url, strlen(url) + 1);
        /* An empty one keeps libcurl from looking into the environment. */
        if (curl_easy_setopt(t->curl, CURLOPT_URL, url) != CURLE_OK || curl_easy_setopt(t->curl, CURLOPT_PROXY, t->proxied ? proxy : "") != CURLE_OK)
                return fail(t, true, -ENOMEM, "out of memory");
        return 0;
}

static int prepare(Transfer *t) {
        CURL *c = t->curl;
        CURLcode e = CURLE_OK;

        curl_easy_reset(c);
#define SET(option, value) (e = e != CURLE_OK ? e : curl_easy_setopt(c, CURLOPT_##option, value))
        SET(PROTOCOLS_STR, "http,https");
        SET(FOLLOWLOCATION, 0L); /* transfer_run() does: each place is looked at */
        SET(NOSIGNAL, 1L);
        SET(USERAGENT, "berth/" BERTH_VERSION);
        SET(NETRC, (long) CURL_NETRC_IGNORED);
        SET(CONNECTTIMEOUT, CONNECT_SECONDS);
        SET(LOW_SPEED_LIMIT, STALL_BYTES_PER_SECOND);
        SET(LOW_SPEED_TIME, (long) t->request->stall_seconds);
        SET(OPENSOCKETFUNCTION, open_socket);
        SET(OPENSOCKETDATA, t);
        SET(HEADERFUNCTION, on_header);
        SET(HEADERDATA, t);
        SET(WRITEFUNCTION, on_data);
        SET(WRITEDATA, t);
        SET(SSL_VERIFYPEER, 1L);
        SET(SSL_VERIFYHOST, 2L);
#undef SET
        return e == CURLE_OK ? 0 : fail(t, true, -EIO, "libcurl is not what berth needs: %s", curl_easy_strerror(e));
}

/* One question. 1: *ret_next is where the server sends us. */
static int ask(Transfer *t, char **ret_next) {
        _cleanup_free_ char *if_range = NULL;
        struct curl_slist *headers = NULL;
        char range[32], *next = NULL;
        long code = 0;
        CURLcode e;
        int r = 0;

        t->looked = t->range_fits = t->changed = false;
        t->to_skip = 0;
        /* Of a redirection, it says nothing of what is downloaded. */
        if (t->done == 0)
                t->validator[0] = 0;
        snprintf(range, sizeof range, "%llu-", (unsigned long long) t->done);
        (void) curl_easy_setopt(t->curl, CURLOPT_RANGE, t->done > 0 ? range : NULL);
        if (t->done > 0 && t->validator[0]) {
                if (asprintf(&if_range, "If-Range: %s", t->validator) < 0)
                        return fail(t, true, -ENOMEM, "out of memory");
                headers = curl_slist_append(NULL, if_range);
        }
        (void) curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, headers);
        e = curl_easy_perform(t->curl);
        (void) curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, NULL);
        curl_slist_free_all(headers);

        (void) curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &code);
        if (e != CURLE_OK && (e != CURLE_WRITE_ERROR || code == 200 || code == 206))
                return fail(t, e == CURLE_SSL_CACERT_BADFILE || e == CURLE_PEER_FAILED_VERIFICATION, -EIO, "'%.200s' could not be downloaded: %s", t->url,
                            curl_easy_strerror(e));
        if (code >= 300 && code < 400 && curl_easy_getinfo(t->curl, CURLINFO_REDIRECT_URL, &next) == CURLE_OK && next) {
                *ret_next = strdup(next);
                return *ret_next ? 1 : fail(t, true, -ENOMEM, "out of memory");
        }
        if (code == 404 || code == 410)
                return fail(t, true, -ENOENT, "the server has no '%.200s'", t->url);
        /* The range begins at the end: the answer had no length, and all was there. */
        if (code == 416 && t->done > 0)
                return t->total > 0 ? fail(t, true, -ESTALE, "'%.200s' was changed while it was downloaded", t->url) : 0;
        if (code != 200 && code != 206)
                return fail(t, code < 500 && code != 408 && code != 429, -EIO, "the server answers %ld to '%.200s'", code, t->url);
        if (!t->looked)
                r = look(t);
        if (r >= 0 && t->to_skip > 0)
                return fail(t, true, -ESTALE, "'%.200s' was changed while it was downloaded", t->url);
        return r;
}

static int attempt(Transfer *t) {
        _cleanup_free_ char *place = strdup(t->request->url);
        int r;

        if (!place)
                return fail(t, true, -ENOMEM, "out of memory");
        t->reach_max = t->request->reach_max;
        for (unsigned i = 0;; i++) {
                _cleanup_free_ char *next = NULL;

                r = aim(t, place, i > 0 && strncasecmp(t->url, "https:", 6) == 0);
                if (r >= 0)
                        r = ask(t, &next);
                if (r <= 0)
                        return r;
                if (i == REDIRECTIONS_MAX)
                        return fail(t, true, -ELOOP, "'%.200s' is sent on more than %u times", t->request->url, REDIRECTIONS_MAX);
                if (!t->proxied && t->reach < t->reach_max)
                        t->reach_max = t->reach;
                free(place);
                place = TAKE_PTR(next);
        }
}

int transfer_run(Transfer *t) {
        unsigned in_vain = 0;
        int r;

        assert(t->request && t->curl);

        r = prepare(t);
        for (unsigned n = 0; r >= 0; n++) {
                uint64_t before = t->done;
                long msec;

                t->error[0] = 0;
                r = attempt(t);
                if (r >= 0 || t->final || n + 1 >= ATTEMPTS_ALL_MAX)
                        return r;
                in_vain = t->done - before >= ATTEMPT_BYTES_MIN ? 0 : in_vain + 1;
                if (in_vain >= ATTEMPTS_MAX)
                        return r;
                msec = 200L << in_vain;
                (void) nanosleep(&(struct timespec) { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000 * 1000 }, NULL);
                r = 0;
        }
        return r;
}
