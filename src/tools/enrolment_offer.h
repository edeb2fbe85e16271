/* SPDX-License-Identifier: Apache-2.0 */
/* A one-time token and the one command that a device needs with it. */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"
#include "pki/tokens.h"

#include <jansson.h>
#include <stdbool.h>

#define ENROLMENT_OFFER_COMMAND_SIZE 768

struct identity_options;

struct enrolment_offer {
    char token[TOKEN_TEXT_SIZE];
    int64_t expires_s;
    char server[300]; /* HOST:PORT */
    char command[ENROLMENT_OFFER_COMMAND_SIZE];
};

/* Makes a token as `wanted` says, for --expires (a day where it is not given). `has_key`: the
 * device may have a key, which is not to be taken again. Negative errno with the reason in *fault:
 * those of tokens_create(), and -ENOTSUP: enrolment is off. */
MQTT_NODISCARD int enrolment_offer_make(const struct identity_options *options,
                                        struct registry *registry, const struct token *wanted,
                                        bool has_key, struct enrolment_offer *out,
                                        struct pki_fault *fault);

/* For people, on standard output. */
void enrolment_offer_print(const struct enrolment_offer *offer);

/* NULL out of memory. The caller owns it. */
json_t *enrolment_offer_json(const struct enrolment_offer *offer);
