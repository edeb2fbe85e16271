/* SPDX-License-Identifier: Apache-2.0 */
/* A topic filter with substitutions, as the set of topics it stands for when asked
 * for one identity. Level by level: nothing is expanded, nothing allocated. */
#pragma once

#include "base/span.h"
#include "policy/identity.h"

#include <stdbool.h>

struct pattern {
    struct mqtt_span text; /* borrowed */
    bool substitutes;      /* else '%' is a character like any other */
};

/* NULL if `text` is a pattern by policy.h, else why not: static text. */
const char *pattern_fault(struct mqtt_span text);

/* A pattern over valid text. */
struct pattern pattern_of(struct mqtt_span text);

/* Is every topic that `filter` matches in the pattern? No, while a name it needs is
 * missing from `identity` (may be NULL: all are). */
bool pattern_contains(const struct pattern *pattern, const struct identity *identity,
                      struct mqtt_span filter);

/* Is there a topic that both match? A level with a missing name may be any level. */
bool pattern_overlaps(const struct pattern *pattern, const struct identity *identity,
                      struct mqtt_span filter);

/* The pattern as a filter for one identity, from malloc. A level with a missing name sets
 * *out_missing and becomes '+' with missing_is_any, else there is no filter: NULL. NULL as well
 * when memory is out. */
char *pattern_resolve(const struct pattern *pattern, const struct identity *identity,
                      bool missing_is_any, bool *out_missing);
