/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/message.h"
#include "base/span.h"
#include "base/wipe.h"
#include "est/answer.h"
#include "est/attestation.h"
#include "est/message.h"
#include "est/state.h"
#include "pki/base64.h"
#include "pki/crl.h"
#include "pki/enrolment.h"
#include "pki/private_file.h"
#include "pki/tokens.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_CERTIFICATES "application/pkcs7-mime; smime-type=certs-only"
#define TYPE_ATTRIBUTES   "application/csrattrs"
#define TYPE_REQUEST      "application/pkcs10"
#define TYPE_PROOF        "application/octet-stream"
#define TYPE_LIST         "application/pkix-crl" /* RFC 2585, section 4 */
#define CRL_PATH          "/crl"
#define BUSY_WAIT_S       5

/* CsrAttrs ::= { id-ecPublicKey { prime256v1 }, ecdsa-with-SHA256 }: P-256 is what we like, and
 * what else is taken stands in docs/enrolment.md. */
static const char attributes[] = "MCEwFQYHKoZIzj0CATEKBggqhkjOPQMBBwYIKoZIzj0EAwI=\n";

/* One request, from its first look to its answer. */
struct exchange {
    struct est *est;
    struct evhttp_request *request;
    struct mqtt_span operation; /* borrowed from the request */
    struct est_peer peer;
    const char *address; /* borrowed from the connection */
    uint16_t port;
    char name[IDENTITY_URI_NAME_SIZE]; /* of the identity, once it is proved */
    struct pki_fault fault;
};

typedef struct est_answer (*operation_function)(struct exchange *x);

/* ---- answers ---- */

static struct est_answer refuse(int status)
{
    return (struct est_answer){ .status = status };
}

static struct est_answer refuse_with(struct exchange *x, int status, const char *why)
{
    (void)snprintf(x->fault.text, sizeof(x->fault.text), "%s", why);
    return refuse(status);
}

/* Reasons of pki as codes of HTTP. Who may not is told so; who is unknown may try again. */
static struct est_answer refuse_for(struct exchange *x, int error)
{
    switch (error) {
    case -EACCES:
        return refuse(401);
    case -EBADMSG:
    case -EKEYREJECTED:
        return refuse(400);
    case -EINVAL:
    case -ETIME:
    case -EALREADY:
    case -EEXIST:
    case -ENOTUNIQ:
    case -EPERM:
    case -ENOENT:
    case -EKEYREVOKED:
        return refuse(403);
    case -EBUSY:
        return (struct est_answer){ .status = 503, .wait_s = BUSY_WAIT_S };
    case -EPIPE: /* of the steward, who does not come back by itself */
        return refuse(503);
    case -ENOMEM:
        return refuse_with(x, 503, "out of memory");
    default:
        return refuse(500);
    }
}

static struct est_answer grant(struct exchange *x, struct certificate *certificate)
{
    char *text = est_trust_encode(certificate_handle(certificate));

    certificate_free(certificate);
    if (text == NULL)
        return refuse_with(x, 503, "out of memory");
    return (
        struct est_answer){ .status = 200, .type = TYPE_CERTIFICATES, .body = text, .owned = text };
}

/* ---- the request ---- */

static struct mqtt_span header_of(const struct exchange *x, const char *name)
{
    return span_of(evhttp_find_header(evhttp_request_get_input_headers(x->request), name));
}

/* DER, PEM, or base64 of DER as the standard says. */
static int parse_request(struct mqtt_span body, struct csr **out, struct pki_fault *fault)
{
    size_t len = 0;
    bool is_plain =
        body.len > 0 && (body.data[0] == 0x30 || span_starts_with(body, span_of("-----BEGIN")));

    if (is_plain)
        return csr_parse(body, out, fault);
    uint8_t *der = malloc(body.len / 4 * 3 + 3);
    if (der == NULL)
        return -ENOMEM;
    int error = base64_decode_lines(body, der, &len);
    if (error < 0)
        error = pki_fail(fault, error, "the body is not base64");
    else
        error = csr_parse((struct mqtt_span){ der, len }, out, fault);
    free(der);
    return error;
}

static int read_request(struct exchange *x, struct csr **out)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(x->request);
    size_t len = evbuffer_get_length(input);
    const uint8_t *bytes = evbuffer_pullup(input, -1);

    if (len == 0 || bytes == NULL)
        return pki_fail(&x->fault, -EBADMSG, "there is no certificate request in the body");
    return parse_request((struct mqtt_span){ bytes, len }, out, &x->fault);
}

/* ---- enrolment ---- */

static struct est_answer enrol_by_token(struct exchange *x, const uint8_t *hash, const char *name)
{
    struct csr *csr;
    struct certificate *certificate;
    int error = read_request(x, &csr);

    if (error < 0)
        return refuse_for(x, error);
    const struct enrolment_claim claim = {
        .csr = csr, .token_hash = hash, .name = name, .now_s = (int64_t)time(NULL)
    };
    error = enrolment_redeem(x->est->options.ca, x->est->registry, &claim, x->name, &certificate,
                             &x->fault);
    csr_free(csr);
    return error < 0 ? refuse_for(x, error) : grant(x, certificate);
}

/* Whoever has no token of ours gets no further than to the index of a table. */
static struct est_answer check_token(struct exchange *x,
                                     struct est_message_credentials *credentials)
{
    uint8_t hash[TOKEN_HASH_BYTES];
    struct token token;
    int error = token_text_hash(span_of(credentials->token), hash);

    if (error == -EINVAL)
        return refuse_with(x, 401, "this is no token; a character may be wrong or missing");
    if (error == 0)
        error = tokens_find(x->est->registry, hash, &token, &x->fault);
    if (error == -ENOENT)
        return refuse_with(x, 401, "there is no such token; it may have been cancelled");
    if (error < 0)
        return refuse_for(x, error);
    return enrol_by_token(x, hash, credentials->has_name ? credentials->name : NULL);
}

static struct est_answer authenticate(struct exchange *x, struct mqtt_span header)
{
    struct est_message_credentials credentials;
    struct est_answer answer = { .status = 401 };

    if (est_message_credentials(header, &credentials) < 0)
        (void)snprintf(x->fault.text, sizeof(x->fault.text),
                       "Authorization is neither Basic with name and token nor Bearer with a "
                       "token");
    else
        answer = check_token(x, &credentials);
    wipe_bytes(&credentials, sizeof(credentials));
    if (answer.status == 401)
        est_attempts_book(x->est->attempts, x->address, est_now_ms());
    return answer;
}

static struct est_answer enrol_by_manufacturer(struct exchange *x)
{
    const struct est_manufacturer *m = x->peer.manufacturer;
    struct csr *csr;
    struct certificate *certificate;
    int error = read_request(x, &csr);

    if (error < 0)
        return refuse_for(x, error);
    memcpy(x->name, x->peer.device_name, sizeof(x->name));
    const struct enrolment request = { .name = x->name,
                                       .kind = IDENTITY_DEVICE,
                                       .role = m->role,
                                       .tenant = m->tenant,
                                       .site = m->site,
                                       .now_s = (int64_t)time(NULL) };
    error = enrolment_introduce(x->est->options.ca, x->est->registry,
                                &(struct enrolment_introduction){ csr, &request, x->peer.mark },
                                &certificate, &x->fault);
    csr_free(csr);
    return error < 0 ? refuse_for(x, error) : grant(x, certificate);
}

static bool has_other_type(const struct exchange *x)
{
    struct mqtt_span type = header_of(x, "Content-Type");

    return type.len > 0 && !est_message_is_type(type, TYPE_REQUEST);
}

static struct est_answer simpleenroll(struct exchange *x)
{
    struct mqtt_span header = header_of(x, "Authorization");
    unsigned wait_s = est_attempts_wait_s(x->est->attempts, x->address, est_now_ms());

    if (wait_s > 0) {
        struct est_answer answer = refuse_with(x, 429, "too many wrong tokens from this address");
        answer.wait_s = wait_s;
        return answer;
    }
    if (has_other_type(x))
        return refuse_with(x, 415, "a certificate request is sent as " TYPE_REQUEST);
    if (header.len > 0)
        return authenticate(x, header);
    switch (x->peer.kind) {
    case EST_PEER_MANUFACTURER:
        return enrol_by_manufacturer(x);
    case EST_PEER_BAD:
        return refuse_with(x, 403, x->peer.why);
    case EST_PEER_OURS:
        return refuse_with(x, 401,
                           "a token is needed; with a certificate of this broker use "
                           "simplereenroll");
    case EST_PEER_NONE:
        break;
    }
    return refuse_with(x, 401, "a token is needed: tacit device add NAME --role ROLE makes one");
}

static struct est_answer simplereenroll(struct exchange *x)
{
    struct csr *csr;
    struct certificate *certificate;

    if (has_other_type(x))
        return refuse_with(x, 415, "a certificate request is sent as " TYPE_REQUEST);
    if (x->peer.kind == EST_PEER_BAD)
        return refuse_with(x, 403, x->peer.why);
    if (x->peer.kind != EST_PEER_OURS)
        return refuse_with(x, 403, "show the certificate that is to be renewed, in the handshake");
    int error = read_request(x, &csr);
    if (error < 0)
        return refuse_for(x, error);
    memcpy(x->name, x->peer.uri.name, sizeof(x->name));
    error = enrolment_renew(x->est->options.ca, x->est->registry, csr,
                            &(struct enrolment_holder){ .name = x->peer.uri.name,
                                                        .kind = x->peer.uri.kind,
                                                        .fingerprint = x->peer.fingerprint,
                                                        .key_sha256 = x->peer.key_sha256,
                                                        .now_s = (int64_t)time(NULL) },
                            &certificate, &x->fault);
    csr_free(csr);
    /* There is nothing to log in with here: 401 would promise that. */
    if (error == -EACCES)
        return refuse(403);
    return error < 0 ? refuse_for(x, error) : grant(x, certificate);
}

static struct est_answer cacerts(struct exchange *x)
{
    return (struct est_answer){ .status = 200,
                                .type = TYPE_CERTIFICATES,
                                .body = est_trust_authorities(x->est->trust) };
}

static struct est_answer csrattrs(struct exchange *x)
{
    (void)x;
    return (struct est_answer){ .status = 200, .type = TYPE_ATTRIBUTES, .body = attributes };
}

/* Over TLS that needs no certificate of who asks: a relying party checks its signature anyway. */
static struct est_answer crl(struct exchange *x)
{
    uint8_t *bytes;
    size_t len;
    int error = private_file_read(x->est->options.crl_path, CRL_MAX_BYTES, &bytes, &len);

    if (error == -ENOENT)
        return refuse_with(x, 404, "no revocation list is published yet");
    if (error < 0)
        return refuse_with(x, 500, "the revocation list cannot be read");
    return (struct est_answer){
        .status = 200, .type = TYPE_LIST, .owned = (char *)bytes, .raw_bytes = len
    };
}

static struct est_answer attest(struct exchange *x, est_attestation_step step)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(x->request);
    const struct mqtt_span body = { evbuffer_pullup(input, -1), evbuffer_get_length(input) };
    char *text = NULL;

    if (x->peer.kind == EST_PEER_BAD)
        return refuse_with(x, 403, x->peer.why);
    if (x->peer.kind != EST_PEER_OURS)
        return refuse_with(x, 403, "show the certificate of the key, in the handshake");
    memcpy(x->name, x->peer.uri.name, sizeof(x->name));
    int error = step(x->est, &x->peer, body, &text, &x->fault);
    if (error == -EACCES)
        return refuse(403);
    if (error < 0)
        return refuse_for(x, error);
    return (struct est_answer){
        .status = 200, .type = text != NULL ? TYPE_PROOF : NULL, .body = text, .owned = text
    };
}

static struct est_answer attestation_claim(struct exchange *x)
{
    return attest(x, est_attestation_claim);
}

static struct est_answer attestation_answer(struct exchange *x)
{
    return attest(x, est_attestation_answer);
}

/* ---- dispatch ---- */

static const struct {
    const char *name;
    enum evhttp_cmd_type method;
    const char *allow;
    operation_function answer;
} operations[] = {
    { "cacerts", EVHTTP_REQ_GET, "GET", cacerts },
    { "csrattrs", EVHTTP_REQ_GET, "GET", csrattrs },
    { "simpleenroll", EVHTTP_REQ_POST, "POST", simpleenroll },
    { "simplereenroll", EVHTTP_REQ_POST, "POST", simplereenroll },
    { CRL_PATH, EVHTTP_REQ_GET, "GET", crl },
    { ATTEST_CLAIM_PATH, EVHTTP_REQ_POST, "POST", attestation_claim },
    { ATTEST_ANSWER_PATH, EVHTTP_REQ_POST, "POST", attestation_answer },
};

static struct est_answer dispatch(struct exchange *x, const char **out_operation)
{
    for (size_t i = 0; i < MQTT_ARRAY_LEN(operations); i++) {
        if (!span_equal(x->operation, span_of(operations[i].name)))
            continue;
        *out_operation = operations[i].name;
        if (evhttp_request_get_command(x->request) == operations[i].method)
            return operations[i].answer(x);
        (void)evhttp_add_header(evhttp_request_get_output_headers(x->request), "Allow",
                                operations[i].allow);
        return refuse_with(x, 405, "another method is expected");
    }
    return refuse_with(x, 404,
                       "there are cacerts, csrattrs, simpleenroll and simplereenroll below "
                       "/.well-known/est/, and the revocation list is /crl");
}

/* Those that are no operations of EST stand in the table by their whole path. */
static bool is_path_of_ours(const char *path)
{
    for (size_t i = 0; path != NULL && i < MQTT_ARRAY_LEN(operations); i++)
        if (operations[i].name[0] == '/' && strcmp(operations[i].name, path) == 0)
            return true;
    return false;
}

/* Also of who shows a certificate and asks for what anybody may have. */
static const char *canary_of(const struct exchange *x)
{
    const char *name = x->name;

    if (name[0] == '\0' && x->peer.kind == EST_PEER_OURS)
        name = x->peer.uri.name;
    return est_is_canary(x->est, name) ? name : NULL;
}

static void report(const struct exchange *x, const struct est_connection *connection,
                   const char *operation, const struct est_answer *answer)
{
    const struct est_options *options = &x->est->options;

    options->report(options->context,
                    &(struct est_report){ .operation = operation,
                                          .name = x->name,
                                          .address = x->address,
                                          .port = x->port,
                                          .status = (unsigned)answer->status,
                                          .reason = answer->status == 200 ? "" : x->fault.text,
                                          .canary = canary_of(x),
                                          .tls = &connection->agreed });
}

void est_service_on_request(struct evhttp_request *request, void *context)
{
    struct evhttp_connection *link = evhttp_request_get_connection(request);
    struct bufferevent *stream = evhttp_connection_get_bufferevent(link);
    struct exchange x = { .est = context, .request = request };
    const struct est_connection *connection = est_connection_of(x.est, stream);
    const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
    const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
    const char *operation = "";
    char *address = NULL;

    evhttp_connection_get_peer(link, &address, &x.port);
    if (connection == NULL || address == NULL) {
        evhttp_send_error(request, 503, NULL);
        return;
    }
    x.address = est_plain_address(address);
    x.operation = is_path_of_ours(path) ? span_of(path) : est_message_operation(span_of(path));
    est_trust_judge(x.est->trust, &x.est->options, bufferevent_openssl_get_ssl(stream),
                    connection->verify_error, &x.peer);
    struct est_answer answer = dispatch(&x, &operation);
    report(&x, connection, operation, &answer);
    est_answer_send(request, &answer, x.fault.text);
    free(answer.owned);
}
