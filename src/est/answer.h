/* SPDX-License-Identifier: Apache-2.0 */
/* What a request is answered with, as HTTP has it. Owner: the thread of the enrolment. */
#pragma once

#include <stddef.h>

struct evhttp_request;

struct est_answer {
    int status;
    const char *type; /* NULL: plain text */
    const char *body; /* NULL: a line of text */
    char *owned;      /* the same, to be freed */
    size_t raw_bytes; /* instead of `body` so many of `owned` are sent, as they are; 0: none */
    unsigned wait_s;  /* for Retry-After; 0: none */
};

/* Sends it; where it has no body, `text`, which may be empty. Frees nothing. */
void est_answer_send(struct evhttp_request *request, const struct est_answer *answer,
                     const char *text);
