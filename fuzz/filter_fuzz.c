/* SPDX-License-Identifier: Apache-2.0 */
/* Two filters and a topic, a line each: the algebra may not contradict matching. */
#include "base/invariant.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "policy/filter.h"
#include "policy/filter_set.h"

#include <stdlib.h>

/* Cuts the first line off `rest`, newline not included. */
static struct mqtt_span cut_line(struct mqtt_span *rest)
{
    struct mqtt_span line = *rest;
    const uint8_t *newline = line.len != 0 ? memchr(line.data, '\n', line.len) : NULL;
    if (newline == NULL) {
        *rest = (struct mqtt_span){ NULL, 0 };
        return line;
    }
    line.len = (size_t)(newline - line.data);
    *rest = (struct mqtt_span){ newline + 1, rest->len - line.len - 1 };
    return line;
}

static bool is_filter(struct mqtt_span text)
{
    return mqtt_utf8_is_valid(text) && mqtt_topic_filter_is_valid(text);
}

static void check_intersection(struct mqtt_span a, struct mqtt_span b, bool in_both,
                               struct mqtt_span topic)
{
    uint8_t *text = malloc(a.len + b.len + 1);
    MQTT_INVARIANT(text != NULL);
    size_t len = filter_intersect(a, b, text, a.len + b.len + 1);
    struct mqtt_span both = { text, len };
    MQTT_INVARIANT((len > 0) == filter_overlaps(a, b));
    if (len > 0) {
        MQTT_INVARIANT(mqtt_topic_filter_is_valid(both));
        MQTT_INVARIANT(filter_contains(a, both) && filter_contains(b, both));
        MQTT_INVARIANT(mqtt_topic_matches(both, topic) == in_both);
    }
    free(text);
}

/* What one filter has more than the other: a witness, or nothing. */
static void check_difference(struct mqtt_span a, struct mqtt_span b)
{
    char *topic = malloc(a.len + b.len + 600);
    MQTT_INVARIANT(topic != NULL);
    enum filter_cover cover = filter_set_witness(&b, 1, a, topic, a.len + b.len + 600);
    if (cover != FILTER_COVER_UNKNOWN)
        MQTT_INVARIANT((cover == FILTER_COVER_YES) == filter_contains(b, a));
    if (topic[0] != '\0') {
        MQTT_INVARIANT(cover == FILTER_COVER_NO);
        MQTT_INVARIANT(mqtt_topic_matches(a, span_of(topic)));
        MQTT_INVARIANT(!mqtt_topic_matches(b, span_of(topic)));
    }
    free(topic);
}

static void check(struct mqtt_span a, struct mqtt_span b, struct mqtt_span topic)
{
    bool in_a = mqtt_topic_matches(a, topic);
    bool in_b = mqtt_topic_matches(b, topic);
    MQTT_INVARIANT(filter_overlaps(a, b) == filter_overlaps(b, a));
    MQTT_INVARIANT(!filter_contains(a, b) || filter_overlaps(a, b));
    MQTT_INVARIANT(!filter_contains(a, b) || in_a || !in_b);
    MQTT_INVARIANT(filter_overlaps(a, b) || !(in_a && in_b));
    MQTT_INVARIANT(filter_contains(a, a));
    check_intersection(a, b, in_a && in_b, topic);
    check_difference(a, b);
    /* A topic name is a filter: for it containing, overlapping and matching are one. */
    MQTT_INVARIANT(filter_contains(a, topic) == in_a);
    MQTT_INVARIANT(filter_overlaps(a, topic) == in_a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_span rest = { data, size };
    struct mqtt_span a = cut_line(&rest);
    struct mqtt_span b = cut_line(&rest);
    struct mqtt_span topic = cut_line(&rest);
    if (is_filter(a) && is_filter(b) && mqtt_utf8_is_valid(topic)
        && mqtt_topic_name_is_valid(topic))
        check(a, b, topic);
    return 0;
}
