/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/https.h"

#include "base/wipe.h"
#include "keystore/device_key.h"
#include "ports/posix_unverified.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define HEAD_MAX_BYTES 4096 /* of a request without its body */

/* What comes, as it comes. */
struct arrival {
    char *bytes; /* HTTPS_REPLY_MAX_BYTES and a NUL */
    size_t len;
};

struct exchange {
    const struct https_request *request;
    struct tacit_tls *tls;
    struct tacit_posix *posix;
    struct tacit_transport transport;
    uint64_t end_ms;
    char *error;
};

static int fail(char *error, int code, const char *what)
{
    (void)snprintf(error, HTTPS_ERROR_SIZE, "%s", what);
    return code;
}

/* A status of the transport as one of ours. */
static int fail_with(struct exchange *x, int status)
{
    const char *why = tacit_posix_error(x->posix);

    (void)snprintf(x->error, HTTPS_ERROR_SIZE, "%s",
                   why[0] != '\0' ? why : "the server closed the connection");
    return status == TACIT_KEY ? -EKEYREJECTED : -EHOSTUNREACH;
}

/* False: the time is over. */
static bool wait_more(struct exchange *x)
{
    uint64_t now_ms = tacit_posix_now_ms();

    if (now_ms >= x->end_ms)
        return false;
    tacit_posix_wait(x->posix, -1, (uint32_t)(x->end_ms - now_ms));
    return true;
}

static int time_is_over(struct exchange *x)
{
    (void)snprintf(x->error, HTTPS_ERROR_SIZE, "%s port %u: no answer within %u s",
                   x->request->host, x->request->port, x->request->timeout_ms / 1000);
    return -ETIMEDOUT;
}

static int open_connection(struct exchange *x)
{
    const struct tacit_bytes host = { x->request->host, strlen(x->request->host) };
    int status = x->transport.open(x->transport.context, host, x->request->port);

    while (status == TACIT_AGAIN) {
        if (!wait_more(x))
            return time_is_over(x);
        status = x->transport.open(x->transport.context, host, x->request->port);
    }
    return status == TACIT_OK ? 0 : fail_with(x, status);
}

static int send_all(struct exchange *x, const char *bytes, size_t len)
{
    while (len > 0) {
        const struct tacit_bytes piece = { bytes, len };
        int sent = x->transport.sendv(x->transport.context, &piece, 1);
        if (sent < 0)
            return fail_with(x, sent);
        bytes += sent;
        len -= (size_t)sent;
        if (sent == 0 && !wait_more(x))
            return time_is_over(x);
    }
    return 0;
}

/* An IPv6 address stands in brackets. */
static int format_head(const struct https_request *r, char *out, size_t size)
{
    bool is_v6 = strchr(r->host, ':') != NULL;
    size_t body_len = r->body != NULL ? strlen(r->body) : 0;
    int len = snprintf(out, size,
                       "%s %s HTTP/1.1\r\nHost: %s%s%s:%u\r\nUser-Agent: tacit\r\n"
                       "Connection: close\r\n",
                       r->body != NULL ? "POST" : "GET", r->path, is_v6 ? "[" : "", r->host,
                       is_v6 ? "]" : "", r->port);

    if (len > 0 && (size_t)len < size && r->authorization != NULL)
        len += snprintf(out + len, size - (size_t)len, "Authorization: %s\r\n", r->authorization);
    if (len > 0 && (size_t)len < size && r->body != NULL)
        len += snprintf(out + len, size - (size_t)len,
                        "Content-Type: %s\r\nContent-Length: %zu\r\n", r->type, body_len);
    if (len > 0 && (size_t)len < size)
        len += snprintf(out + len, size - (size_t)len, "\r\n");
    return len > 0 && (size_t)len < size ? len : -EINVAL;
}

static int send_request(struct exchange *x)
{
    const struct https_request *r = x->request;
    char head[HEAD_MAX_BYTES];
    int len = format_head(r, head, sizeof(head));
    int result = len < 0 ? fail(x->error, -EINVAL, "the request is too long")
                         : send_all(x, head, (size_t)len);

    wipe_bytes(head, sizeof(head));
    return result == 0 && r->body != NULL ? send_all(x, r->body, strlen(r->body)) : result;
}

/* ---- the answer ---- */

/* Where the body begins; NULL: not yet. */
static const char *body_of(const struct arrival *arrival)
{
    const char *end = strstr(arrival->bytes, "\r\n\r\n");

    return end != NULL ? end + 4 : NULL;
}

/* The value of a header, NUL- or line-terminated; NULL: it is not there. */
static const char *header_of(const struct arrival *arrival, const char *name)
{
    const char *end = body_of(arrival);
    size_t len = strlen(name);

    for (const char *line = strstr(arrival->bytes, "\r\n"); line != NULL && line + 4 < end;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
            continue;
        const char *value = line + 3 + len;
        return value + strspn(value, " \t");
    }
    return NULL;
}

/* A decimal number; -1: it is none. */
static long number_of(const char *text)
{
    long value = 0;

    if (text == NULL || !isdigit((unsigned char)*text))
        return -1;
    for (; isdigit((unsigned char)*text); text++) {
        if (value > HTTPS_REPLY_MAX_BYTES)
            return -1;
        value = value * 10 + (*text - '0');
    }
    return value;
}

static bool is_whole(const struct arrival *arrival)
{
    const char *body = body_of(arrival);
    long wanted = body != NULL ? number_of(header_of(arrival, "Content-Length")) : -1;

    return wanted >= 0 && arrival->len - (size_t)(body - arrival->bytes) >= (size_t)wanted;
}

static int receive_all(struct exchange *x, struct arrival *arrival)
{
    while (!is_whole(arrival)) {
        size_t room = HTTPS_REPLY_MAX_BYTES - arrival->len;
        if (room == 0)
            return fail(x->error, -EPROTO, "the answer is too long");
        int got = x->transport.receive(x->transport.context, arrival->bytes + arrival->len, room);
        if (got < 0 && body_of(arrival) != NULL && header_of(arrival, "Content-Length") == NULL)
            return 0;
        if (got < 0)
            return fail_with(x, got);
        arrival->len += (size_t)got;
        arrival->bytes[arrival->len] = '\0';
        if (got == 0 && !wait_more(x))
            return time_is_over(x);
    }
    return 0;
}

/* "Sat, 28 Nov 2026 09:46:52 GMT"; 0: it is none. */
static int64_t moment_of(const char *text)
{
    struct tm parts = { 0 };

    return text != NULL && strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts) != NULL
               ? (int64_t)timegm(&parts)
               : 0;
}

static int take_reply(struct exchange *x, const struct arrival *arrival, struct https_reply *out)
{
    const char *body = body_of(arrival);
    long status = strncmp(arrival->bytes, "HTTP/1.", 7) == 0 ? number_of(arrival->bytes + 9) : -1;
    long wait_s = body != NULL ? number_of(header_of(arrival, "Retry-After")) : -1;

    if (body == NULL || status < 100 || status > 599
        || header_of(arrival, "Transfer-Encoding") != NULL)
        return fail(x->error, -EPROTO, "this is not how a server for enrolment answers");
    long length = number_of(header_of(arrival, "Content-Length"));
    size_t len = arrival->len - (size_t)(body - arrival->bytes);
    if (length >= 0 && (size_t)length < len)
        len = (size_t)length;
    char *copy = malloc(len + 1);
    if (copy == NULL)
        return fail(x->error, -ENOMEM, "out of memory");
    memcpy(copy, body, len);
    copy[len] = '\0';
    out->status = (unsigned)status;
    out->wait_s = wait_s > 0 ? (unsigned)wait_s : 0;
    out->date_s = moment_of(header_of(arrival, "Date"));
    out->body = copy;
    out->len = len;
    return 0;
}

static int receive_reply(struct exchange *x, struct https_reply *out)
{
    struct arrival arrival = { calloc(1, HTTPS_REPLY_MAX_BYTES + 1), 0 };

    if (arrival.bytes == NULL)
        return fail(x->error, -ENOMEM, "out of memory");
    int status = receive_all(x, &arrival);
    if (status == 0)
        status = take_reply(x, &arrival, out);
    free(arrival.bytes);
    return status;
}

/* ---- all together ---- */

static struct tacit_tls *make_tls(const struct https_request *r, char *error)
{
    const struct tacit_tls_options options = { .ca_file = r->ca_file,
                                               .certificate_file = r->certificate_file,
                                               .key_file = r->key_file };

    return r->ca_file != NULL ? device_key_tls_new(&options, error, HTTPS_ERROR_SIZE)
                              : tacit_tls_unverified_new(error, HTTPS_ERROR_SIZE);
}

int https_ask(const struct https_request *request, struct https_reply *out, char *error)
{
    struct exchange x = { .request = request,
                          .end_ms = tacit_posix_now_ms() + request->timeout_ms,
                          .error = error };

    /* Whoever it is that answers gets nothing from us. */
    if (request->ca_file == NULL
        && (request->authorization != NULL || request->body != NULL
            || request->certificate_file != NULL))
        return fail(error, -EINVAL, "nothing is sent to a server that is not verified");
    x.tls = make_tls(request, error);
    if (x.tls == NULL)
        return -EINVAL;
    x.posix = tacit_posix_tls_new(x.tls);
    if (x.posix == NULL) {
        tacit_tls_free(x.tls);
        return fail(error, -ENOMEM, "out of memory");
    }
    x.transport = tacit_posix_transport(x.posix);
    int status = open_connection(&x);
    if (status == 0)
        status = send_request(&x);
    if (status == 0)
        status = receive_reply(&x, out);
    x.transport.close(x.transport.context);
    tacit_posix_free(x.posix);
    tacit_tls_free(x.tls);
    return status;
}

void https_reply_fini(struct https_reply *reply)
{
    free(reply->body);
    *reply = (struct https_reply){ 0 };
}
