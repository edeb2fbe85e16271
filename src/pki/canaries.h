/* SPDX-License-Identifier: Apache-2.0 */
/* Canaries: names, credentials and topics that nobody uses, so that whoever does is an intruder
 * (promise I9). The mark comes before what it marks: a canary is one from its first moment on, and
 * nothing that exists already becomes one. A mark goes together with the credential; the registry
 * itself refuses to take only the mark away, which would leave a credential with real rights in
 * foreign hands.
 *
 * Owner: the thread of the registry. Functions return 0 or a negative errno with the reason in
 * *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdint.h>

#define CANARY_TOPIC_SIZE 513 /* longest topic and NUL */

/* What the bait is. */
enum canary_kind {
    CANARY_NONE = 0,
    CANARY_DEVICE,  /* key and certificate */
    CANARY_ACCOUNT, /* user name and password */
    CANARY_TOKEN,   /* a one-time token, and the certificate that it is exchanged for */
    CANARY_TOPIC,   /* a topic; its name only names it */
    CANARY_KIND_COUNT,
};

struct canary {
    char name[REGISTRY_TEXT_SIZE];
    enum canary_kind kind;
    char topic[CANARY_TOPIC_SIZE]; /* of CANARY_TOPIC: it, or it and "/#" for all below */
    char note[REGISTRY_TEXT_SIZE]; /* where the bait lies; for the operator */
    int64_t created_s;             /* UTC; set by canaries_add() */
};

/* "device" and so on. */
const char *canaries_kind_text(enum canary_kind kind);

/* -EINVAL: a name or a topic cannot be one; -EEXIST: there is such a canary, or the name is that of
 * somebody real. */
MQTT_NODISCARD int canaries_add(struct registry *registry, const struct canary *canary,
                                struct pki_fault *fault);

/* The mark goes, and with it all that could still be used: the device is revoked, the account is
 * removed, tokens are void. -ENOENT. */
MQTT_NODISCARD int canaries_remove(struct registry *registry, const char *name,
                                   struct pki_fault *fault);

/* -ENOENT: there is none. */
MQTT_NODISCARD int canaries_find(struct registry *registry, const char *name, struct canary *out,
                                 struct pki_fault *fault);

/* Calls `visit` for each in the order of names; a result other than 0 ends the list and is
 * returned. Borrowed; `visit` may not change the registry. */
typedef int (*canaries_visit)(void *context, const struct canary *canary);
MQTT_NODISCARD int canaries_list(struct registry *registry, canaries_visit visit, void *context,
                                 struct pki_fault *fault);
