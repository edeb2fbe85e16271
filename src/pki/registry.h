/* SPDX-License-Identifier: Apache-2.0 */
/* The registry: which things exist, with which key, in which role. One SQLite file in WAL
 * mode, so that the tool adds a device while tacitd runs; its schema is in registry_schema.c
 * and docs/identity.md.
 *
 * A public key belongs to one identity for ever (promise I2): the same key under a second
 * name is refused, also when the first is retired, revoked or gone (key_use.h).
 *
 * Owner: the thread that opened it. Functions return 0 or a negative errno with the reason
 * in *fault (may be NULL). -EBUSY: another process held the file for REGISTRY_BUSY_MS. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/identity_uri.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGISTRY_KEY_BYTES      32  /* SHA-256 of the SubjectPublicKeyInfo in DER */
#define REGISTRY_TEXT_SIZE      129 /* longest role, tenant or site and NUL */
#define REGISTRY_SERIAL_SIZE    41  /* 20 bytes in hex and NUL */
#define REGISTRY_WORD_SIZE      24  /* longest protection or algorithm and NUL */
#define REGISTRY_REASON_SIZE    257 /* longest reason and NUL */
#define REGISTRY_BUSY_MS        5000
#define REGISTRY_SCHEMA_VERSION 8

struct registry;

/* Zero lets nobody in; only REGISTRY_ACTIVE does. */
enum registry_status {
    REGISTRY_REVOKED = 0, /* for good: only a new identity with a new key comes back */
    REGISTRY_SUSPENDED,   /* until further notice */
    REGISTRY_RETIRED,     /* taken out of service */
    REGISTRY_ACTIVE,
    REGISTRY_STATUS_COUNT,
};

/* A certificate as far as the registry remembers it. */
struct registry_certificate {
    char serial[REGISTRY_SERIAL_SIZE]; /* hex, lower case */
    uint8_t fingerprint[32];           /* SHA-256 of the certificate in DER */
    int64_t not_before_s;              /* seconds since 1970, UTC */
    int64_t not_after_s;
};

/* Empty tenant and site stand for none. */
struct registry_entry {
    char name[IDENTITY_URI_NAME_SIZE];
    enum identity_kind kind;
    char role[REGISTRY_TEXT_SIZE];
    char tenant[REGISTRY_TEXT_SIZE];
    char site[REGISTRY_TEXT_SIZE];
    enum registry_status status;
    uint8_t key_sha256[REGISTRY_KEY_BYTES];
    struct registry_certificate certificate;
    int64_t created_s;
    int64_t changed_s;
    char protection[REGISTRY_WORD_SIZE]; /* of its key: unknown, plain, sealed, pkcs11, tpm */
    char algorithm[REGISTRY_WORD_SIZE];  /* "EC P-256", "RSA 3072", "ED25519"; empty: not noted */
    char reason[REGISTRY_REASON_SIZE];   /* why it is not active */
    char attested[REGISTRY_WORD_SIZE]; /* who vouches for its TPM (attestation.h); empty: nobody */
};

/* Opens the file, creating it (mode 0600) or migrating its schema as needed. -EBADMSG: not a
 * registry or damaged; -EPROTO: written by a newer tacit. */
MQTT_NODISCARD int registry_open(const char *path, struct registry **out, struct pki_fault *fault);
void registry_close(struct registry *registry); /* NULL is fine */

/* Adds an identity and its first certificate; created_s and changed_s are set here. -EINVAL: name,
 * role, tenant or site is not valid (identity_uri.h);
 * -EEXIST: the name is taken, or was that of one who has another now; -ENOTUNIQ: the key or the
 * certificate belongs to another. */
MQTT_NODISCARD int registry_add(struct registry *registry, const struct registry_entry *entry,
                                struct pki_fault *fault);

/* -ENOENT: there is none. */
MQTT_NODISCARD int registry_find(struct registry *registry, const char *name,
                                 struct registry_entry *out, struct pki_fault *fault);
MQTT_NODISCARD int registry_find_by_key(struct registry *registry, const uint8_t *key_sha256,
                                        struct registry_entry *out, struct pki_fault *fault);
MQTT_NODISCARD int registry_find_by_fingerprint(struct registry *registry,
                                                const uint8_t *fingerprint,
                                                struct registry_entry *out,
                                                struct pki_fault *fault);

/* Calls `visit` for each entry in the order of names; a result other than 0 ends the list and
 * is returned. The entry is borrowed; `visit` may not change the registry. */
typedef int (*registry_visit)(void *context, const struct registry_entry *entry);
MQTT_NODISCARD int registry_list(struct registry *registry, registry_visit visit, void *context,
                                 struct pki_fault *fault);

/* The same for those who must go on: a row that is not valid, which ends registry_list() with
 * -EBADMSG, is visited as a revoked identity without role and key. One whose very name is not valid
 * is left out: no certificate can have it. */
MQTT_NODISCARD int registry_survey(struct registry *registry, registry_visit visit, void *context,
                                   struct pki_fault *fault);

/* Where an identity belongs; empty tenant and site stand for none. */
struct registry_place {
    const char *role;
    const char *tenant;
    const char *site;
};

/* They may be substituted into topics, so none of them may change a topic's shape: a name as
 * identity_uri_name_is_valid(), the others as registry_name_is_valid(). -EINVAL says which is not. */
MQTT_NODISCARD int registry_check_names(const char *name, const struct registry_place *place,
                                        struct pki_fault *fault);

/* Gives it another role, tenant and site; tacitd takes it up within a second. -ENOENT, -EINVAL. */
MQTT_NODISCARD int registry_set_place(struct registry *registry, const char *name,
                                      const struct registry_place *place, struct pki_fault *fault);

/* A new certificate for the same key; the one before stays good until it expires. -ENOENT; -EPERM:
 * it is not active; -ENOTUNIQ: the certificate is registered already. */
MQTT_NODISCARD int registry_set_certificate(struct registry *registry, const char *name,
                                            const struct registry_certificate *certificate,
                                            struct pki_fault *fault);

/* A number that differs from the last one whenever this or any other process has committed a
 * change in between. Costs microseconds: made to be asked several times a second. */
MQTT_NODISCARD int registry_version(struct registry *registry, uint64_t *out);

/* A number that moves when something has changed that a policy is made of: grants, groups, and
 * role, tenant, site or status of an identity; not when identities or certificates are added,
 * unless something was granted to them before. */
MQTT_NODISCARD int registry_policy_version(struct registry *registry, uint64_t *out);

/* May it name a role, tenant, site or group? 1..128 bytes of printable ASCII without space, '/',
 * '+', '#', '%', quotes and backslash, not starting with '$' or '.'. NULL may not. */
bool registry_name_is_valid(const char *name);

/* Has a TPM proved that it has the key? Else the protection is declared. */
bool registry_is_attested(const struct registry_entry *entry);

/* "active", "suspended", "revoked", "retired". */
const char *registry_status_text(enum registry_status status);
