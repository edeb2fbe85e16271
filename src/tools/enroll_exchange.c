/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_exchange.h"

#include "base/wipe.h"
#include "pki/token_text.h"
#include "tools/https.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES         5
#define WAIT_MAX_S    30
#define HEX_DIGIT_MAX 16

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return tolower((unsigned char)c) - 'a' + 10;
}

/* 64 digits, checked when the options were read. */
static void hex_decode(const char *hex, uint8_t out[32])
{
    for (size_t i = 0; i < 32; i++)
        out[i] = (uint8_t)(hex_digit(hex[2 * i]) * HEX_DIGIT_MAX + hex_digit(hex[2 * i + 1]));
}

static enum enroll_exit explain(int error, const char *why)
{
    enum enroll_exit code =
        error == -EINVAL || error == -ENOMEM ? ENROLL_EXIT_FAILED : ENROLL_EXIT_UNREACHED;

    return enroll_options_fail(code, "%s", why);
}

void enroll_exchange_reason(const struct https_reply *reply, char out[ENROLL_EXCHANGE_REASON_SIZE])
{
    size_t len = 0;

    while (len + 1 < ENROLL_EXCHANGE_REASON_SIZE && reply->body[len] != '\0'
           && reply->body[len] != '\n') {
        unsigned char c = (unsigned char)reply->body[len];
        out[len++] = c >= ' ' && c <= '~' ? (char)c : '?';
    }
    out[len] = '\0';
}

static enum enroll_exit explain_refusal(const struct https_reply *reply)
{
    char reason[ENROLL_EXCHANGE_REASON_SIZE];

    enroll_exchange_reason(reply, reason);
    return enroll_options_fail(ENROLL_EXIT_REFUSED, "the server refuses (%u): %s", reply->status,
                               reason[0] != '\0' ? reason : "no reason given");
}

/* ---- the authorities ---- */

enum enroll_exit enroll_exchange_authorities(const char *host, uint16_t port,
                                             const char *sha256_hex, struct bundle **out)
{
    uint8_t sha256[32];
    char error[HTTPS_ERROR_SIZE];
    struct https_reply reply;
    struct bundle *bundle;
    struct pki_fault fault = { "" };
    const struct https_request request = { .host = host,
                                           .port = port,
                                           .path = ENROLL_EXCHANGE_ROOT "cacerts",
                                           .timeout_ms = ENROLL_EXCHANGE_TIMEOUT_MS };
    int status = https_ask(&request, &reply, error);

    if (status < 0)
        return explain(status, error);
    status = reply.status == 200 ? bundle_parse(span_of(reply.body), &bundle, &fault) : -EPROTO;
    https_reply_fini(&reply);
    if (status < 0)
        return enroll_options_fail(ENROLL_EXIT_UNREACHED, "%s port %u: %s", host, port,
                                   fault.text[0] != '\0' ? fault.text : "no server for enrolment");
    hex_decode(sha256_hex, sha256);
    if (bundle_keep_under(bundle, sha256, (int64_t)time(NULL)) < 0) {
        bundle_free(bundle);
        return enroll_options_fail(
            ENROLL_EXIT_UNREACHED,
            "%s port %u is not the server that was meant: its authority has another fingerprint "
            "than --ca-sha256 says. The token was not sent",
            host, port);
    }
    *out = bundle;
    return ENROLL_EXIT_DONE;
}

/* ---- the certificate ---- */

/* What stands between the first and the last line of PEM is the base64 that is wanted. */
static char *body_of(const struct csr *csr)
{
    char *pem;

    if (csr_encode(csr, &pem, NULL) < 0)
        return NULL;
    char *begin = strchr(pem, '\n');
    char *end = begin != NULL ? strstr(begin, "-----END") : NULL;
    char *body = end != NULL ? strndup(begin + 1, (size_t)(end - begin - 1)) : NULL;
    free(pem);
    return body;
}

static enum enroll_exit ask(const struct https_request *request, struct https_reply *out)
{
    char error[HTTPS_ERROR_SIZE];

    for (int i = 1;; i++) {
        int status = https_ask(request, out, error);
        if (status < 0)
            return explain(status, error);
        if ((out->status != 429 && out->status != 503) || i == TRIES)
            return ENROLL_EXIT_DONE;
        unsigned wait_s = out->wait_s > 0 ? out->wait_s : 1;
        https_reply_fini(out);
        (void)sleep(wait_s < WAIT_MAX_S ? wait_s : WAIT_MAX_S);
    }
}

static enum enroll_exit take_certificate(struct https_reply *reply, const struct csr *csr,
                                         struct certificate **out)
{
    struct pki_fault fault = { "" };
    struct bundle *bundle;
    struct certificate_facts facts;
    uint8_t key[KEY_SHA256_BYTES];

    if (reply->status != 200)
        return explain_refusal(reply);
    if (bundle_parse(span_of(reply->body), &bundle, &fault) < 0)
        return enroll_options_fail(ENROLL_EXIT_UNREACHED, "%s", fault.text);
    *out = bundle_take_first(bundle);
    bundle_free(bundle);
    if (csr_key_sha256(csr, key) == 0 && certificate_facts_of(*out, &facts, NULL) == 0
        && memcmp(facts.key_sha256, key, sizeof(key)) == 0)
        return ENROLL_EXIT_DONE;
    certificate_free(*out);
    return enroll_options_fail(ENROLL_EXIT_REFUSED,
                               "the server sent the certificate of another key");
}

enum enroll_exit enroll_exchange_sign(const struct enroll_call *call, const struct csr *csr,
                                      struct certificate **out)
{
    char path[64];
    char authorization[TOKEN_TEXT_SIZE * 4 + 8] = "";
    struct https_reply reply = { 0 };
    char *body = body_of(csr);

    if (body == NULL)
        return enroll_options_fail(ENROLL_EXIT_FAILED, "out of memory");
    (void)snprintf(path, sizeof(path), ENROLL_EXCHANGE_ROOT "%s", call->operation);
    if (call->token != NULL)
        (void)snprintf(authorization, sizeof(authorization), "Bearer %s", call->token);
    enum enroll_exit code =
        ask(&(struct https_request){ .host = call->host,
                                     .port = call->port,
                                     .path = path,
                                     .ca_file = call->authority_file,
                                     .certificate_file = call->certificate_file,
                                     .key_file = call->key_file,
                                     .authorization = call->token != NULL ? authorization : NULL,
                                     .type = "application/pkcs10",
                                     .body = body,
                                     .timeout_ms = ENROLL_EXCHANGE_TIMEOUT_MS },
            &reply);
    wipe_bytes(authorization, sizeof(authorization));
    free(body);
    if (code != ENROLL_EXIT_DONE)
        return code;
    code = take_certificate(&reply, csr, out);
    https_reply_fini(&reply);
    return code;
}
