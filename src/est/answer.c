/* SPDX-License-Identifier: Apache-2.0 */
#include "est/answer.h"

#include "base/attrs.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdio.h>
#include <string.h>

#define CHALLENGE "Basic realm=\"tacit enrolment\", charset=\"UTF-8\""

static const char *phrase_of(int status)
{
    static const struct {
        int status;
        const char *phrase;
    } phrases[] = {
        { 200, "OK" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 415, "Unsupported Media Type" },
        { 429, "Too Many Requests" },
        { 503, "Service Unavailable" },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(phrases); i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Internal Server Error";
}

/* Headers that cannot be added for lack of memory are missing. */
void est_answer_send(struct evhttp_request *request, const struct est_answer *answer,
                     const char *text)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    struct evbuffer *body = evbuffer_new();
    char seconds[16];

    (void)evhttp_add_header(headers, "Content-Type",
                            answer->type != NULL ? answer->type : "text/plain; charset=utf-8");
    if (answer->body != NULL)
        (void)evhttp_add_header(headers, "Content-Transfer-Encoding", "base64");
    /* One request a connection: nothing is waited for behind it. */
    (void)evhttp_add_header(headers, "Connection", "close");
    if (answer->status == 401)
        (void)evhttp_add_header(headers, "WWW-Authenticate", CHALLENGE);
    if (answer->wait_s > 0) {
        (void)snprintf(seconds, sizeof(seconds), "%u", answer->wait_s);
        (void)evhttp_add_header(headers, "Retry-After", seconds);
    }
    if (body != NULL && answer->raw_bytes > 0)
        (void)evbuffer_add(body, answer->owned, answer->raw_bytes);
    else if (body != NULL && answer->body != NULL)
        (void)evbuffer_add(body, answer->body, strlen(answer->body));
    else if (body != NULL)
        (void)evbuffer_add_printf(body, "%s\n", text);
    evhttp_send_reply(request, answer->status, phrase_of(answer->status), body);
    if (body != NULL)
        evbuffer_free(body);
}
