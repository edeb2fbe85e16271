/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/feature.h"

#include "base/invariant.h"

struct row {
    const char *key;
    const char *text;
    const char *unit;
    enum sense_verdict verdict;
};

static const struct row rows[SENSE_FEATURES] = {
#define FEATURE(name, key, text, unit, verdict) { #key, text, unit, SENSE_##verdict },
#include "sense/features.def"
#undef FEATURE
};

static const struct row *row_of(enum sense_feature feature)
{
    MQTT_INVARIANT((unsigned)feature < SENSE_FEATURES);
    return &rows[feature];
}

const char *sense_feature_key(enum sense_feature feature)
{
    return row_of(feature)->key;
}

const char *sense_feature_text(enum sense_feature feature)
{
    return row_of(feature)->text;
}

const char *sense_feature_unit(enum sense_feature feature)
{
    return row_of(feature)->unit;
}

enum sense_verdict sense_feature_verdict(enum sense_feature feature)
{
    return row_of(feature)->verdict;
}

const char *sense_verdict_text(enum sense_verdict verdict)
{
    switch (verdict) {
    case SENSE_QUIET:
        break;
    case SENSE_ATTACKING:
        return "attacking";
    case SENSE_ATTACKED:
        return "attacked";
    }
    return "quiet";
}
