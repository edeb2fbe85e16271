/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an identity after it was added: suspended and resumed, retired, revoked, come back
 * with a new key, called otherwise. Every function is one transaction: identity, certificates, keys
 * and tokens change together or not at all, also when the process is killed in between. A running
 * tacitd takes a change up within a second; the revocation list is crl.h's.
 *
 * Owner: as the registry. Functions return 0 or a negative errno with the reason in *fault. All of
 * them: -ENOENT, there is no such identity. */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stdint.h>

#define REGISTRY_REMARK_MAX 200 /* bytes of text that say more about a reason */

/* The numbers are those of RFC 5280, section 5.3.1. */
enum registry_reason {
    REGISTRY_REASON_UNSPECIFIED = 0,
    REGISTRY_REASON_KEY_COMPROMISE = 1,
    REGISTRY_REASON_AFFILIATION_CHANGED = 3,
    REGISTRY_REASON_SUPERSEDED = 4,
    REGISTRY_REASON_CESSATION_OF_OPERATION = 5,
    REGISTRY_REASON_CERTIFICATE_HOLD = 6,
    REGISTRY_REASON_PRIVILEGE_WITHDRAWN = 9,
};

/* "key-compromise" and so on. -EINVAL: none of them. */
MQTT_NODISCARD int registry_reason_parse(const char *text, enum registry_reason *out);
const char *registry_reason_text(enum registry_reason reason); /* "unspecified" for others */

/* All reasons that may be given for a revocation, separated by ", "; static. */
const char *registry_reason_choices(void);

struct registry_revocation {
    enum registry_reason reason; /* but REGISTRY_REASON_CERTIFICATE_HOLD */
    const char *remark;          /* more about it; NULL: nothing */
    bool blocks_key;             /* nobody may ever use the key again, under whatever name */
};

/* For good: its certificates are revoked, its unused tokens void. Said again, it may give a better
 * reason; what is revoked stays so since when it was. -EINVAL: reason or remark. */
MQTT_NODISCARD int registry_revoke(struct registry *registry, const char *name,
                                   const struct registry_revocation *how, struct pki_fault *fault);

/* Until it is resumed; its certificates are on hold. `remark` may be NULL. -EPERM: it is revoked or
 * retired, which is final; -EINVAL: the remark. */
MQTT_NODISCARD int registry_suspend(struct registry *registry, const char *name, const char *remark,
                                    struct pki_fault *fault);
MQTT_NODISCARD int registry_resume(struct registry *registry, const char *name,
                                   struct pki_fault *fault);

/* It is not there any more: as a revocation because of cessation of operation. -EPERM: revoked. */
MQTT_NODISCARD int registry_retire(struct registry *registry, const char *name, const char *remark,
                                   struct pki_fault *fault);

/* One of the above, without remark. */
MQTT_NODISCARD int registry_set_status(struct registry *registry, const char *name,
                                       enum registry_status status, struct pki_fault *fault);

/* What an identity comes back with. */
struct registry_new_key {
    uint8_t key_sha256[REGISTRY_KEY_BYTES];
    struct registry_certificate certificate; /* for it */
    const char *protection;                  /* as in registry_entry; NULL: unknown */
    const char *algorithm;                   /* likewise; NULL: not noted */
};

/* Another key, and with it active again: the only way back from a revocation. Certificates of the
 * keys before are revoked or stay so. -ENOTUNIQ: key or certificate is or was another's, or was its
 * own before; -EKEYREJECTED: the key is blocked; -EPERM: suspended. */
MQTT_NODISCARD int registry_rekey(struct registry *registry, const char *name,
                                  const struct registry_new_key *key, struct pki_fault *fault);

/* Another name, with everything that belongs to it: grants, groups, tokens, keys. Its certificates
 * carry the old name and are revoked as superseded: it waits for one of the new name, which the
 * same key may have. Nobody ever gets the old name. -EINVAL: no valid name; -EEXIST: the name is or
 * was another's, or something is granted to it already; -EPERM: revoked or retired. */
MQTT_NODISCARD int registry_rename(struct registry *registry, const char *name,
                                   const char *new_name, struct pki_fault *fault);

/* What one who was called `name` is called now; `out` has IDENTITY_URI_NAME_SIZE bytes. -ENOENT:
 * nobody was. */
MQTT_NODISCARD int registry_find_successor(struct registry *registry, const char *name, char *out,
                                           struct pki_fault *fault);

/* Calls `visit` with each name that the identity had before, until it returns something else than 0,
 * which is then returned. `visit` may not use the registry. */
typedef int (*registry_name_visit)(void *context, const char *name);
MQTT_NODISCARD int registry_each_former_name(struct registry *registry, const char *name,
                                             registry_name_visit visit, void *context,
                                             struct pki_fault *fault);

/* The same with each identity that had another name, as it is called now. */
MQTT_NODISCARD int registry_each_renamed(struct registry *registry, registry_name_visit visit,
                                         void *context, struct pki_fault *fault);

/* May one who is not in the registry be called `name`? -EEXIST: it is an account's, or was that of
 * one who is called otherwise now; nobody else may have what was kept for it. */
MQTT_NODISCARD int registry_check_unused(struct registry *registry, const char *name,
                                         struct pki_fault *fault);

/* A certificate that was issued. */
struct registry_issued {
    char name[IDENTITY_URI_NAME_SIZE]; /* of the identity, as it is called now */
    struct registry_certificate certificate;
    uint8_t key_sha256[REGISTRY_KEY_BYTES];
    int64_t issued_s;
    int64_t revoked_s; /* 0: it is not */
    enum registry_reason reason;
};

/* Calls `visit` for the certificates of `name`, or of all when it is NULL, by name and age; a
 * result other than 0 ends the list and is returned. The entry is borrowed; `visit` may not change
 * the registry. */
typedef int (*registry_visit_issued)(void *context, const struct registry_issued *issued);
MQTT_NODISCARD int registry_list_issued(struct registry *registry, const char *name,
                                        registry_visit_issued visit, void *context,
                                        struct pki_fault *fault);

/* The same for what is revoked and has not expired before `now_s`, by serial number. */
MQTT_NODISCARD int registry_list_revoked(struct registry *registry, int64_t now_s,
                                         registry_visit_issued visit, void *context,
                                         struct pki_fault *fault);
