/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a key is: the first identity that was registered with it, for ever, also after that one
 * has another key, is retired, or is gone from the registry (promise I2). Owner: as the registry. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/identity_uri.h"
#include "pki/registry.h"

/* The owner's name. -ENOENT: nobody has used the key. */
MQTT_NODISCARD int key_use_find(struct registry *registry, const uint8_t *key_sha256,
                                char out_name[IDENTITY_URI_NAME_SIZE], struct pki_fault *fault);

/* May `name` be registered with the key? -ENOTUNIQ: it is another's, who is named. */
MQTT_NODISCARD int key_use_check(struct registry *registry, const uint8_t *key_sha256,
                                 const char *name, struct pki_fault *fault);
