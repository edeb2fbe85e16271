/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate authority of one state folder: a self-signed root, P-256, ten years, which
 * signs server and device certificates. Its own URI SAN, spiffe://TRUST-DOMAIN, names the
 * trust domain of everything it signs. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/certificate.h"
#include "pki/csr.h"
#include "pki/fault.h"
#include "pki/identity_uri.h"
#include "pki/key.h"

#include <stddef.h>
#include <stdint.h>

#define CA_ROOT_DAYS   3650
#define CA_SERVER_DAYS 365
#define CA_DEVICE_DAYS 90
#define CA_MAX_DAYS    3650
#define CA_BACKDATE_S  300 /* validity starts so much earlier: clocks of devices are late */

struct ca;

/* A root for `key`; `trust_domain` NULL: a random one. The certificate is the caller's to save. */
MQTT_NODISCARD int ca_make_root(const struct key *key, const char *trust_domain, int64_t now_s,
                                struct certificate **out, struct pki_fault *fault);

/* Loads certificate and key. -ENOENT: one is missing; -EBADMSG: they do not belong together
 * or the certificate is no root of ours. */
MQTT_NODISCARD int ca_open(const char *certificate_path, const char *key_path, struct ca **out,
                           struct pki_fault *fault);
void ca_close(struct ca *ca); /* NULL is fine */

const char *ca_trust_domain(const struct ca *ca);
const struct certificate *ca_certificate(const struct ca *ca);

/* What it signs with, borrowed, for the other files of this layer. */
const struct key *ca_key(const struct ca *ca);

/* Reads the trust domain of a root. -EBADMSG: it names none. */
MQTT_NODISCARD int ca_trust_domain_of(const struct certificate *root,
                                      char out[IDENTITY_URI_DOMAIN_SIZE], struct pki_fault *fault);

/* For a server: localhost, 127.0.0.1, ::1, this machine's host name and `names` (DNS names or
 * numeric addresses), and those of the certificate it succeeds. -EINVAL: a name is neither. */
struct ca_server_request {
    const struct key *key;
    const char *const *names;
    size_t name_count;
    const struct certificate *predecessor; /* NULL: none */
    int64_t now_s;
    unsigned days; /* 0: CA_SERVER_DAYS */
};
MQTT_NODISCARD int ca_issue_server(const struct ca *ca, const struct ca_server_request *request,
                                   struct certificate **out, struct pki_fault *fault);

/* For a thing: common name and URI SAN from `kind` and `name`, the key from the request. */
struct ca_identity_request {
    const struct csr *csr;
    enum identity_kind kind;
    const char *name;
    int64_t now_s;
    unsigned days; /* 0: CA_DEVICE_DAYS */
};
MQTT_NODISCARD int ca_issue_identity(const struct ca *ca, const struct ca_identity_request *request,
                                     struct certificate **out, struct pki_fault *fault);
