/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate authority of one state folder, in two tiers: a self-signed root, ten years,
 * signs an issuing CA, three years, which signs server and device certificates. Folders of before
 * have the root alone, which then does both. The URI SAN of either, spiffe://TRUST-DOMAIN, names
 * the trust domain of everything it signs. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/ca_signer.h"
#include "pki/certificate.h"
#include "pki/csr.h"
#include "pki/fault.h"
#include "pki/identity_uri.h"
#include "pki/key.h"

#include <stddef.h>
#include <stdint.h>

#define CA_ROOT_DAYS    3650
#define CA_ISSUING_DAYS 1095
#define CA_SERVER_DAYS  365
#define CA_DEVICE_DAYS  90
#define CA_MAX_DAYS     3650
#define CA_BACKDATE_S   300 /* validity starts so much earlier: clocks of devices are late */

struct ca;

/* A root for `key`; `trust_domain` NULL: a random one. The certificate is the caller's to save. */
MQTT_NODISCARD int ca_make_root(const struct key *key, const char *trust_domain, int64_t now_s,
                                struct certificate **out, struct pki_fault *fault);

/* An issuing CA for `key` under that root: same trust domain, no further CA below it. -EINVAL:
 * `root` may sign none. The key need not be a secret one: a token keeps its own. */
MQTT_NODISCARD int ca_make_issuing(const struct ca *root, const struct key *key, int64_t now_s,
                                   struct certificate **out, struct pki_fault *fault);

/* The CA of a certificate and its key, both of which it takes over in any case. -EBADMSG: they do
 * not belong together, or the certificate is no CA of ours; -ENOMEM. */
MQTT_NODISCARD int ca_new(struct certificate *certificate, struct key *key, struct ca **out,
                          struct pki_fault *fault);

/* The CA of a certificate, which it takes over in any case, whose key somebody else has. It issues
 * for identities, and signs lists and statements, as far as `signer` does it; copied, its context
 * borrowed. -EBADMSG: it is no CA of ours; -ENOMEM. */
MQTT_NODISCARD int ca_new_remote(struct certificate *certificate, const struct ca_signer *signer,
                                 struct ca **out, struct pki_fault *fault);

/* Of the certificates, the one that the key belongs to; takes over the key in any case.
 * -EBADMSG: none of them. */
MQTT_NODISCARD int ca_new_among(const struct certificate_list *certificates, struct key *key,
                                struct ca **out, struct pki_fault *fault);

/* Loads certificate and key; of several certificates, the one of the key. -ENOENT: one is missing;
 * -EBADMSG as ca_new(); -ENOKEY: the key is sealed. state_ca_open() knows other places for keys. */
MQTT_NODISCARD int ca_open(const char *certificate_path, const char *key_path, struct ca **out,
                           struct pki_fault *fault);
void ca_close(struct ca *ca); /* NULL is fine */

const char *ca_trust_domain(const struct ca *ca);
const struct certificate *ca_certificate(const struct ca *ca);

/* `leaf` with what a peer needs that trusts the root: *out is to be given back with
 * certificate_list_fini(). -ENOMEM. */
MQTT_NODISCARD int ca_chain(const struct ca *ca, const struct certificate *leaf,
                            struct certificate_list *out);

/* What it signs with, borrowed, for the other files of this layer; NULL: that is elsewhere. */
const struct key *ca_key(const struct ca *ca);

/* Who signs for it, borrowed; NULL: it does, with ca_key(). */
const struct ca_signer *ca_signer(const struct ca *ca);

/* Reads the trust domain of a root or an issuing CA. -EBADMSG: it names none. */
MQTT_NODISCARD int ca_trust_domain_of(const struct certificate *authority,
                                      char out[IDENTITY_URI_DOMAIN_SIZE], struct pki_fault *fault);

/* For a server: localhost, 127.0.0.1, ::1, this machine's host name and `names` (DNS names or
 * numeric addresses), and those of the certificate it succeeds. -EINVAL: a name is neither; -EPERM:
 * the key of the CA is elsewhere. */
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
    const struct identity_extension *extension; /* NULL: none */
    int64_t now_s;
    unsigned days; /* 0: CA_DEVICE_DAYS */
};
MQTT_NODISCARD int ca_issue_identity(const struct ca *ca, const struct ca_identity_request *request,
                                     struct certificate **out, struct pki_fault *fault);
