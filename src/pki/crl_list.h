/* SPDX-License-Identifier: Apache-2.0 */
/* What a revocation list says, and the list itself, apart from where it is kept (crl.h). Owner: one
 * thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/ca.h"
#include "pki/fault.h"
#include "pki/registry_life.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct X509_crl_st;
struct asn1_string_st;

/* A certificate that is revoked or on hold. */
struct crl_entry {
    char serial[REGISTRY_SERIAL_SIZE]; /* hex, lower case */
    enum registry_reason reason;
    int64_t revoked_s;
    int64_t not_after_s; /* of the certificate */
};

/* In any order. Zero is an empty list of no number. */
struct crl_entries {
    struct crl_entry *all; /* from malloc */
    size_t count;
    size_t room;
    uint64_t number; /* of the list to be made: higher than any before */
};

void crl_entries_fini(struct crl_entries *entries);
MQTT_NODISCARD int crl_entries_add(struct crl_entries *entries, const struct crl_entry *entry);

/* A list of them without a signature. -EBADMSG: a serial number is none, or a time; -ENOMEM. */
MQTT_NODISCARD int crl_list_make(const struct crl_entries *entries, struct X509_crl_st **out,
                                 struct pki_fault *fault);

/* The same, valid from now on for CRL_DAYS, and signed by the CA, in its own process or, where its
 * key is in another, there. */
MQTT_NODISCARD int crl_list_sign(const struct crl_entries *entries, const struct ca *ca,
                                 int64_t now_s, struct X509_crl_st **out, struct pki_fault *fault);

/* The same in DER. */
MQTT_NODISCARD int crl_list_sign_der(const struct crl_entries *entries, const struct ca *ca,
                                     int64_t now_s, struct der *out, struct pki_fault *fault);

/* From DER or PEM; NULL: it is none. X509_CRL_free() it. */
MQTT_NODISCARD struct X509_crl_st *crl_list_decode(struct mqtt_span bytes);

/* A serial number in hex, lower case; NULL: it is none. ASN1_INTEGER_free() it. */
MQTT_NODISCARD struct asn1_string_st *crl_list_serial(const char *hex);

/* The number of a list; 0: it has none. */
uint64_t crl_list_number(const struct X509_crl_st *list);
