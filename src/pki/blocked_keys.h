/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that nobody may use: published, stolen, or made badly (promise I2). They stand in the
 * registry by the SHA-256 of their SubjectPublicKeyInfo, with the reason, and in the lists of the
 * folder blocked-keys (blocked_folder.h). tacitd takes a change up within a second, and ends the
 * sessions of such a key.
 *
 * Owner: as the registry. Functions return 0 or a negative errno with the reason in *fault. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/blocked_list.h"
#include "pki/fault.h"
#include "pki/registry.h"

#define BLOCKED_SOURCE_SIZE 200

struct blocked_key {
    uint8_t key_sha256[REGISTRY_KEY_BYTES];
    char reason[BLOCKED_REASON_SIZE];
    char source[BLOCKED_SOURCE_SIZE]; /* the list it came with; "": by hand */
    int64_t added_s;                  /* seconds since 1970, UTC */
};

/* `added_s` is set here. -EEXIST: it is blocked already, and stays so as it was. */
MQTT_NODISCARD int blocked_keys_add(struct registry *registry, const struct blocked_key *key,
                                    struct pki_fault *fault);

/* -ENOENT: it is not in the registry's list. */
MQTT_NODISCARD int blocked_keys_remove(struct registry *registry, const uint8_t *key_sha256,
                                       struct pki_fault *fault);

/* In the registry's list. -ENOENT. */
MQTT_NODISCARD int blocked_keys_find(struct registry *registry, const uint8_t *key_sha256,
                                     struct blocked_key *out, struct pki_fault *fault);

/* Calls `visit` for each key of the registry's list, in the order of the hashes; a result other
 * than 0 ends the list and is returned. `visit` may not change the registry. */
typedef int (*blocked_keys_visit)(void *context, const struct blocked_key *key);
MQTT_NODISCARD int blocked_keys_list(struct registry *registry, blocked_keys_visit visit,
                                     void *context, struct pki_fault *fault);

MQTT_NODISCARD int blocked_keys_count(struct registry *registry, size_t *out,
                                      struct pki_fault *fault);

/* May a key, a SubjectPublicKeyInfo in DER, be used as far as the registry's list and those of the
 * folder know? -EKEYREJECTED with the reason. Reads the lists: milliseconds for long ones. */
MQTT_NODISCARD int blocked_keys_check(struct registry *registry, struct mqtt_span spki,
                                      struct pki_fault *fault);

struct blocked_import {
    size_t added;  /* keys that are new in the registry's list */
    size_t known;  /* that were in it already; they stay as they were */
    size_t moduli; /* tags of RSA moduli, now a list in the folder */
};

/* Takes the list in a file: all of it, or nothing when a line is wrong (-EBADMSG, with file and
 * line). Keys go to the registry, moduli to a list of the file's name, which is replaced. `source`
 * NULL: the file's name. Cut short, it can be said again. */
MQTT_NODISCARD int blocked_keys_import(struct registry *registry, const char *path,
                                       const char *source, struct blocked_import *out,
                                       struct pki_fault *fault);
