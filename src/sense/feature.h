/* SPDX-License-Identifier: Apache-2.0 */
/* The features of a device, by number, and what is said about them. */
#pragma once

#include <stdint.h>

enum sense_verdict {
    SENSE_QUIET, /* nothing to say */
    SENSE_ATTACKING,
    SENSE_ATTACKED,
};

enum sense_feature {
#define FEATURE(name, key, text, unit, verdict) SENSE_##name,
#include "sense/features.def"
#undef FEATURE
    SENSE_FEATURES,
};

#define SENSE_COUNTERS (SENSE_NEW_TOPICS + 1) /* the features that are counters */

#define SENSE_ALL_FEATURES ((UINT32_C(1) << SENSE_FEATURES) - 1)

/* Strings live for ever. `feature` is below SENSE_FEATURES. */
const char *sense_feature_key(enum sense_feature feature);  /* "new_topics" */
const char *sense_feature_text(enum sense_feature feature); /* "published to topics that ..." */
const char *sense_feature_unit(enum sense_feature feature); /* "topics" */

/* SENSE_ATTACKING or SENSE_ATTACKED. */
enum sense_verdict sense_feature_verdict(enum sense_feature feature);

const char *sense_verdict_text(enum sense_verdict verdict); /* "quiet", "attacking", "attacked" */
