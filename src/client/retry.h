/* SPDX-License-Identifier: Apache-2.0 */
/* When to connect again: full jitter for accidents, restraint after a refusal. */
#pragma once

#include "base/span.h"
#include "codec/packet.h"

/* What a reason code from the server means for the next attempt. */
enum tacit_refusal {
    TACIT_REFUSAL_FINAL = 0, /* trying again changes nothing: wait for a human */
    TACIT_REFUSAL_BUSY,      /* later, from the long end of the range */
    TACIT_REFUSAL_NONE,      /* an accident: the usual back-off */
};

/* `reason` of a CONNACK or a server's DISCONNECT, as MQTT 5 numbers them. */
enum tacit_refusal tacit_refusal_of(uint8_t reason);

/* The MQTT 5 reason code for a CONNACK return code of 3.1.1 (section 3.2.2.3). */
uint8_t tacit_reason_of_return_code(uint8_t return_code);

/* Uniform in 0..min(maximum, minimum * 2^attempt), made from 32 random bits. */
static inline uint32_t tacit_retry_delay_ms(uint32_t minimum_ms, uint32_t maximum_ms,
                                            unsigned attempt, uint32_t random)
{
    uint32_t range = minimum_ms;
    for (; attempt > 0 && range < maximum_ms; attempt--)
        range = range <= maximum_ms / 2 ? range * 2 : maximum_ms;
    if (range > maximum_ms)
        range = maximum_ms;
    return (uint32_t)((((uint64_t)range + 1) * random) >> 32);
}
