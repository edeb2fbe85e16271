/* SPDX-License-Identifier: Apache-2.0 */
/* Bringing a thing into being: certificate from the CA and row in the registry, in an order
 * in which a crash at any point leaves nothing that the next attempt cannot finish: the row
 * is written before the certificate is handed out, so no certificate is ever valid that the
 * registry does not know. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stdint.h>

struct enrolment {
    const char *name;
    enum identity_kind kind;
    const char *role;
    const char *tenant;             /* NULL: none */
    const char *site;               /* NULL: none */
    enum key_protection protection; /* of the thing's key, as the certificate will say */
    enum key_algorithm algorithm;   /* of a key that is made here */
    unsigned days;                  /* 0: CA_DEVICE_DAYS */
    bool replaces;                  /* the key of `name`, if it is registered with another */
    int64_t now_s;
};

/* Signs a certificate for the key of `csr` and registers it. If `name` is registered already,
 * active and with this very key, it gets a new certificate (that is how an interrupted
 * attempt is completed, and a renewal); role, tenant and site must then be the same. With
 * `replaces` it may be another key that nobody had before, and the identity may be revoked: it is
 * active afterwards. -EEXIST: the name is taken by another key; -ENOTUNIQ: the key is or was
 * another's (key_use.h); -EKEYREJECTED: it is weak or blocked, also where it was not before;
 * -EPERM: not active; -EKEYREVOKED: a certificate of the key was revoked. */
MQTT_NODISCARD int enrolment_sign(const struct ca *ca, struct registry *registry,
                                  const struct csr *csr, const struct enrolment *request,
                                  struct certificate **out, struct pki_fault *fault);

/* The same with a key of our own: makes key_path (0600) unless it is there, and
 * certificate_path. The folder must exist. Its protection is "plain" unless the request says
 * better. */
struct enrolment_paths {
    const char *key_path;
    const char *certificate_path;
};
MQTT_NODISCARD int enrolment_create(const struct ca *ca, struct registry *registry,
                                    const struct enrolment *request,
                                    const struct enrolment_paths *paths, struct pki_fault *fault);

/* ---- enrolment by the device itself (src/est) ---- */

/* The common name of a request, where it has one, has to be the name of the identity: -EINVAL.
 * What else it asks for is ignored. The other errors are those of enrolment_sign(). */

/* With a one-time token. */
struct enrolment_claim {
    const struct csr *csr;
    const uint8_t *token_hash; /* TOKEN_HASH_BYTES; tokens.h */
    const char *name;          /* that the device says it has; NULL: says nothing */
    int64_t now_s;
};
/* The token is used up in the same transaction that registers the certificate. The same token and
 * the same key get a certificate again until the token expires: the answer may have been lost.
 * -EACCES: no such token; -ETIME: expired; -EALREADY: used with another key. `out_name` has
 * IDENTITY_URI_NAME_SIZE bytes; it is "" until the token is known. */
MQTT_NODISCARD int enrolment_redeem(const struct ca *ca, struct registry *registry,
                                    const struct enrolment_claim *claim, char *out_name,
                                    struct certificate **out, struct pki_fault *fault);

/* With a certificate that was signed here and is not expired, whose holder has just shown to have
 * its key. The caller has verified that. */
struct enrolment_holder {
    const char *name; /* as the kind: what its URI says */
    enum identity_kind kind;
    const uint8_t *fingerprint; /* 32 bytes */
    const uint8_t *key_sha256;  /* REGISTRY_KEY_BYTES */
    int64_t now_s;
};
/* For as long as the last one: the same key, or another one, which replaces it. A device that did
 * not get the certificate of its new key may ask again with the old one. -EACCES: no identity of
 * ours, or not its key; -EPERM: not active, or that certificate was revoked. */
MQTT_NODISCARD int enrolment_renew(const struct ca *ca, struct registry *registry,
                                   const struct csr *csr, const struct enrolment_holder *holder,
                                   struct certificate **out, struct pki_fault *fault);

/* With a certificate of its manufacturer, which the caller has verified. */
struct enrolment_introduction {
    const struct csr *csr;
    const struct enrolment *request;
    const uint8_t *mark; /* TOKEN_HASH_BYTES, naming the device for ever */
};
/* Once for each mark, or again with the same key. -EALREADY: with another. */
MQTT_NODISCARD int enrolment_introduce(const struct ca *ca, struct registry *registry,
                                       const struct enrolment_introduction *introduction,
                                       struct certificate **out, struct pki_fault *fault);
