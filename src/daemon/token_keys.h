/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that a configuration's tokens are signed with, read from their files: in the order of
 * its listeners, and of the tokens blocks of each. Immutable and counted. */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "pki/jwt.h"

struct token_keys;

/* Counted once. Negative errno with the reason in *fault. */
MQTT_NODISCARD int token_keys_load(const struct config *config, struct token_keys **out,
                                   struct pki_fault *fault);
struct token_keys *token_keys_ref(struct token_keys *keys);
void token_keys_unref(struct token_keys *keys); /* NULL is fine */

/* Of one tokens block of the configuration that they were loaded for. Borrowed. */
const struct jwt_key *token_keys_find(const struct token_keys *keys, const struct config *config,
                                      const struct config_listener *listener, size_t which);
