/* SPDX-License-Identifier: Apache-2.0 */
/* Why: the features behind a standing, the one with the most bits first, and one sentence. */
#pragma once

#include "sense/evidence.h"

#include <stddef.h>

#define SENSE_REASONS        5u
#define SENSE_SENTENCE_BYTES 400u

enum sense_model {
    SENSE_OF_RULE, /* needs no learning */
    SENSE_OF_ROLE, /* what the devices of the role do */
    SENSE_OF_OWN,  /* what the device itself has done */
};

struct sense_reason {
    enum sense_feature feature;
    enum sense_model model;
    float bits;
    float observed;
    float low; /* the usual range of it */
    float high;
    uint32_t since_s;
};

/* The reasons of a standing, strongest first. Returns how many of the SENSE_REASONS there are. */
unsigned sense_explain(const struct sense_role *role, const struct sense_device *device,
                       const struct sense_standing *standing,
                       struct sense_reason out[SENSE_REASONS]);

/* Fills in the usual range of out->feature, as things stand. */
void sense_explain_range(const struct sense_role *role, const struct sense_device *device,
                         struct sense_reason *out);

/* What a device publishes in a window, at most in all but one of a hundred of them. */
struct sense_usual {
    float messages; /* above 0 */
    float bytes;    /* of topics and payloads; 0: not known yet */
};
struct sense_usual sense_device_usual(const struct sense_role *role,
                                      const struct sense_device *device);

const char *sense_model_text(enum sense_model model); /* "rule", "role", "own" */

/* "attacking for 40 s: published messages (300 messages, usual 0 to 7, 35 bits); ...". `out` holds
 * SENSE_SENTENCE_BYTES and always ends. */
void sense_explain_sentence(enum sense_verdict verdict, const struct sense_reason *reasons,
                            unsigned count, char *out);
