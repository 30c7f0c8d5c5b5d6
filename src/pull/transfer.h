/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <curl/curl.h>
#include <stdint.h>

#include "pull/address.h"

/* Fetches one URL into a pipe, by HTTP or HTTPS and nothing else. A connection that breaks or stalls is made again and goes on where it was.
 * What it was told is trusted, what comes from the network is not; nobody trusts what it delivers. */

#define TRANSFER_TEXT_MAX 512U

typedef struct TransferRequest {
        const char *url;
        const char *proxy_http, *proxy_https; /* NULL: none */
        const char *proxy_ignore;             /* hosts and domains, separated by blanks or commas, or NULL */
        uint64_t size_max;                    /* bytes */
        uint64_t stall_seconds;
        AddressReach reach_max;               /* the nearest it may be; what the first server is, no redirection may come nearer than */
        int fd;                               /* written to */
} TransferRequest;

typedef struct Transfer Transfer;
struct Transfer {
        const TransferRequest *request;
        CURL *curl;
        void (*on_size)(Transfer *t);   /* total is known now */
        void *userdata;

        uint64_t total;                 /* bytes, 0: not known */
        uint64_t done;                  /* bytes that have been written, or were there before */
        uint64_t to_skip;               /* of this attempt, which began at the beginning again */
        AddressReach reach, reach_max;  /* of the server; the limit that holds now */
        bool proxied;
        bool looked;                    /* at the head of this attempt's answer */
        bool changed;                   /* it has another ETag than the first answer had */
        bool range_fits;                /* it says that it goes on where we are */
        char url[2048];                 /* after redirections */
        char validator[256];            /* ETag or date of the first answer, by which a changed file is known */
        char error[TRANSFER_TEXT_MAX];
        bool final;                     /* error is one that another attempt would not mend */
};

/* 0, or negative with a sentence in t->error. -ENOENT: the server has no such thing; -ESTALE: what it has is another thing than what is there. */
int transfer_run(Transfer *t);
