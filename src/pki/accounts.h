/* SPDX-License-Identifier: Apache-2.0 */
/* Who comes in by a password: the accounts of the registry. An account is an identity as a device
 * is, with a role, a tenant and a site; no name is a device's and an account's at the same time,
 * which the registry itself sees to.
 *
 * Owner: the thread of the registry. Functions return 0 or a negative errno with the reason in
 * *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/password.h"
#include "pki/registry.h"
#include "pki/scram.h"

#include <stdbool.h>
#include <stdint.h>

#define ACCOUNT_FROM_SIZE 65

/* Empty tenant and site stand for none. */
struct account {
    char name[REGISTRY_TEXT_SIZE];
    char role[REGISTRY_TEXT_SIZE];
    char tenant[REGISTRY_TEXT_SIZE];
    char site[REGISTRY_TEXT_SIZE];
    enum registry_status status; /* never REGISTRY_RETIRED */
    char verifier[PASSWORD_VERIFIER_SIZE];
    bool has_scram;
    struct scram_keys scram;
    int64_t burnt_s;                    /* when the password was seen in the clear; 0: it was not */
    char burnt_from[ACCOUNT_FROM_SIZE]; /* the address that sent it */
    int64_t created_s;                  /* set by accounts_add() */
    int64_t changed_s;                  /* the password */
};

/* What a password is kept as. */
struct account_secret {
    const char *verifier;
    const struct scram_keys *scram; /* NULL: none */
};

/* Makes both of a password. -EINVAL: it may not be one; -ENOMEM, -EIO. */
MQTT_NODISCARD int accounts_make_secret(struct mqtt_span password, struct account *out,
                                        struct pki_fault *fault);

/* Adds one. -EEXIST: an account or a device has the name, or a device had it that is called
 * otherwise now; -EINVAL: a name is not valid. */
MQTT_NODISCARD int accounts_add(struct registry *registry, const struct account *account,
                                struct pki_fault *fault);

/* Another password: what was burnt is good again. -ENOENT. */
MQTT_NODISCARD int accounts_set_secret(struct registry *registry, const char *name,
                                       const struct account_secret *secret,
                                       struct pki_fault *fault);

/* The same password, kept better. Nothing is changed when the verifier is not `from` any more. */
MQTT_NODISCARD int accounts_renew_secret(struct registry *registry, const char *name,
                                         const char *from, const struct account_secret *secret,
                                         struct pki_fault *fault);

/* The password whose verifier is `verifier` was seen in the clear. How many accounts this changed:
 * 0 when it has another one meanwhile, or is burnt already. */
MQTT_NODISCARD int accounts_burn(struct registry *registry, const char *name, const char *verifier,
                                 const char *from, struct pki_fault *fault);

/* -ENOENT, -EINVAL. */
MQTT_NODISCARD int accounts_set_place(struct registry *registry, const char *name,
                                      const struct registry_place *place, struct pki_fault *fault);
MQTT_NODISCARD int accounts_set_status(struct registry *registry, const char *name,
                                       enum registry_status status, struct pki_fault *fault);

/* -ENOENT: there is none. */
MQTT_NODISCARD int accounts_remove(struct registry *registry, const char *name,
                                   struct pki_fault *fault);
MQTT_NODISCARD int accounts_find(struct registry *registry, const char *name, struct account *out,
                                 struct pki_fault *fault);

/* Calls `visit` for each account in the order of names; a result other than 0 ends the list and is
 * returned. The account is borrowed; `visit` may not change the registry. */
typedef int (*accounts_visit)(void *context, const struct account *account);
MQTT_NODISCARD int accounts_list(struct registry *registry, accounts_visit visit, void *context,
                                 struct pki_fault *fault);
