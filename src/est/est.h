/* SPDX-License-Identifier: Apache-2.0 */
/* Enrolment over HTTPS (EST, RFC 7030 with RFC 8951): a device makes its key, sends a certificate
 * request and gets a certificate, by a one-time token, by the certificate it has, or by that of
 * its manufacturer.
 *
 *     GET  /.well-known/est/cacerts          the authorities, for anybody
 *     GET  /.well-known/est/csrattrs         which keys are liked
 *     POST /.well-known/est/simpleenroll     token, or manufacturer's certificate
 *     POST /.well-known/est/simplereenroll   the certificate it has
 *     GET  /crl                              the revocation list, in DER, for anybody
 *     POST /attestation/claim                a TPM has the key of the certificate that is shown
 *     POST /attestation/answer               to the challenge that came back
 *
 * A label between "est" and the operation is accepted and stands for nothing. Every connection
 * carries one request.
 *
 * A thread of its own does everything, one request after the other; who opens and closes may be
 * any thread, one at a time. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/fault.h"
#include "tls/agreed.h"

#include <stddef.h>
#include <stdint.h>

#define EST_AUTHORITIES_MAX 8

struct est;

/* Who vouches for devices that nobody has seen before. */
struct est_manufacturer {
    const char *name;
    const char *ca_path;     /* PEM, one or more */
    const char *device_name; /* with one "%{serial}" or "%{common-name}" */
    const char *role;
    const char *tenant; /* NULL: none */
    const char *site;   /* NULL: none */
};

/* Rows of core/limits.def. */
struct est_limits {
    uint32_t connections;
    uint32_t timeout_ms;
    uint32_t failures;
    uint32_t failures_all;
    uint32_t sources;
    uint32_t attestations;
    uint32_t attestation_ms;
};

/* What was decided about one request; or that a handshake is over, by somebody who has the key of a
 * canary: then `status` is 0, and the rest is as if nothing had been asked for. */
struct est_report {
    const char
        *operation;      /* "simpleenroll" ..., or a path of attest/message.h; "": none there is */
    const char *name;    /* of the identity, as far as it was proved; "" otherwise */
    const char *address; /* numeric */
    uint16_t port;
    unsigned status;    /* of HTTP; 200 and 204 are good */
    const char *reason; /* one line; "" when it is good */
    const char *canary; /* whose token or certificate it came with (pki/canaries.h); NULL: none's */
    const struct tls_agreed *tls;
};

/* Everything that is pointed at is borrowed until est_close(), but for what is said to be taken. */
struct est_options {
    int fd;        /* a listening socket; taken, also on failure */
    struct ca *ca; /* taken, also on failure */
    const char *registry_path;
    const char *certificate_path; /* of the server, as key_path: read again when it has changed */
    const char *key_path;
    /* PEM: what cacerts hands out, and whose client certificates are our own. */
    const char *authority_paths[EST_AUTHORITIES_MAX];
    size_t authority_count;
    const char *crl_path; /* DER; read for every request for it */
    const struct est_manufacturer *manufacturers;
    size_t manufacturer_count;
    const char *attestation_roots; /* PEM: who certifies TPMs; NULL: nobody that we believe */
    struct est_limits limits;
    /* Called on the thread of the enrolment; borrows its argument. */
    void (*report)(void *context, const struct est_report *report);
    void *context;
};

/* Loads what it needs and starts the thread. Negative errno with the reason in *fault. */
MQTT_NODISCARD int est_open(const struct est_options *options, struct est **out,
                            struct pki_fault *fault);

/* Ends the request that is worked at, closes all connections, and joins the thread. NULL is fine. */
void est_close(struct est *est);
