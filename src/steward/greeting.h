/* SPDX-License-Identifier: Apache-2.0 */
/* What the steward tells of itself and of the state folder. Pure functions. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/der.h"
#include "pki/fault.h"
#include "pki/state.h"

#include <stdbool.h>

#define STEWARD_CONFINED_BYTES 320

/* The first thing that the steward says. */
struct steward_greeting {
    struct state_made made;                /* what it found or made */
    bool has_state;                        /* the folder was prepared */
    bool signs;                            /* it has the CA's key */
    struct pki_fault silent;               /* why not */
    bool is_confined;                      /* wholly */
    bool is_instrumented;                  /* a build that cannot be */
    char confined[STEWARD_CONFINED_BYTES]; /* in words; "" where that was not wanted */
};

/* As the result of an answer. -ENOMEM. */
MQTT_NODISCARD int steward_greeting_encode(const struct steward_greeting *greeting,
                                           struct der *out);
/* -EBADMSG. */
MQTT_NODISCARD int steward_greeting_decode(struct mqtt_span result, struct steward_greeting *out);

/* What state_prepare() said; the same. */
MQTT_NODISCARD int steward_made_encode(const struct state_made *made, struct der *out);
MQTT_NODISCARD int steward_made_decode(struct mqtt_span result, struct state_made *out);
