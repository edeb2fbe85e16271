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

struct enrolment {
    const char *name;
    enum identity_kind kind;
    const char *role;
    const char *tenant;             /* NULL: none */
    const char *site;               /* NULL: none */
    enum key_protection protection; /* of the thing's key, as the certificate will say */
    bool is_attested;               /* proved by its hardware */
    enum key_algorithm algorithm;   /* of a key that is made here */
    unsigned days;                  /* 0: CA_DEVICE_DAYS */
    int64_t now_s;
};

/* Signs a certificate for the key of `csr` and registers it. If `name` is registered already,
 * active and with this very key, it gets a new certificate (that is how an interrupted
 * attempt is completed, and a renewal); role, tenant and site must then be the same. -EEXIST:
 * the name is taken by another key; -ENOTUNIQ: the key is or was another's (key_use.h);
 * -EKEYREJECTED: it is weak or blocked, also where it was not before; -EPERM: not active. */
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
