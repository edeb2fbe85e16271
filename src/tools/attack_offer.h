/* SPDX-License-Identifier: Apache-2.0 */
/* What a server chooses when it is offered one thing only. */
#pragma once

#include "tools/attack_env.h"

enum attack_offer {
    ATTACK_OFFER_UNKNOWN = 0, /* no connection, or this machine cannot offer it */
    ATTACK_OFFER_REFUSED,
    ATTACK_OFFER_TAKEN, /* it chose; whether it then wanted a certificate does not matter */
};

/* `out` tells what was chosen, when something was. */
MQTT_NODISCARD enum attack_offer attack_offer_make(const struct attack_env *env,
                                                   enum tacit_probe_version only,
                                                   const char *ciphers,
                                                   struct tacit_probe_facts *out);
