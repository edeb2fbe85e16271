/* SPDX-License-Identifier: Apache-2.0 */
/* What is published: a topic, and as much of the payload as a trace shows. */
#pragma once

#include "bench/sense/fleet_random.h"
#include "bench/sense/fleet_row.h"
#include "bench/sense/persona.h"

struct fleet_message {
    char topic[FLEET_TOPIC_MAX];
    uint32_t bytes; /* of the payload */
    int qos;
    uint8_t sample_len; /* min(bytes, FLEET_SAMPLE_MAX) */
    uint8_t sample[FLEET_SAMPLE_MAX];
};

/* Fills in the payload. A number is as long as its digits, and decides `bytes` by itself; the other
 * forms are `bytes` long. `count` says how many there were before. */
void fleet_message_fill(struct fleet_message *message, enum persona_form form, uint32_t bytes,
                        double value, uint32_t count);

/* A payload of so many bytes without any form, as of what is encrypted. */
void fleet_message_scramble(struct fleet_message *message, uint32_t bytes,
                            struct test_random *random);

/* Writes a topic; what is too long for it is cut. */
__attribute__((format(printf, 2, 3))) void fleet_message_topic(struct fleet_message *message,
                                                               const char *format, ...);
