/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/topic_fault.h"

#include "codec/topic.h"
#include "codec/utf8.h"

#define BYTES_MAX 65535

static const char *text_fault(struct mqtt_span text)
{
    if (text.len == 0)
        return "it is empty; a topic has at least one character";
    if (text.len > BYTES_MAX)
        return "it is longer than 65535 bytes";
    if (!mqtt_utf8_is_valid(text))
        return "it is not valid UTF-8";
    return NULL;
}

static const char *depth_fault(struct mqtt_span text, unsigned levels)
{
    return mqtt_topic_levels(text) > levels
               ? "it has more levels than limits { topic-levels } of the configuration allows"
               : NULL;
}

const char *topic_fault_of_name(struct mqtt_span topic, unsigned levels)
{
    const char *fault = text_fault(topic);
    if (fault != NULL)
        return fault;
    if (!mqtt_topic_name_is_valid(topic))
        return "'+' and '#' are wildcards of filters; name one topic";
    return depth_fault(topic, levels);
}

/* Which rule a filter breaks that breaks one. */
static const char *wildcard_fault(struct mqtt_span filter)
{
    const uint8_t *many = memchr(filter.data, '#', filter.len);
    if (many != NULL && many + 1 != filter.data + filter.len)
        return "'#' may only be the last level";
    if (many != NULL && filter.len > 1 && many[-1] != '/')
        return "'#' must be alone in its level";
    return "'+' must be alone in its level";
}

const char *topic_fault_of_filter(struct mqtt_span filter, unsigned levels)
{
    struct mqtt_share share = { .filter = filter };
    const char *fault = text_fault(filter);
    if (fault != NULL)
        return fault;
    if (mqtt_share_parse(filter, &share) < 0)
        return "a shared subscription is $share/NAME/FILTER, its name without wildcards and its "
               "filter a valid one";
    if (!mqtt_topic_filter_is_valid(share.filter))
        return wildcard_fault(share.filter);
    return depth_fault(share.filter, levels);
}
