/* SPDX-License-Identifier: Apache-2.0 */
/* Two texts, parted by the first newline, as filter and topic: the verdicts are
 * those of definitions that go level by level, and what is cut out lies inside. */
#include "codec/topic.h"
#include "codec_promise.h"

/* The level that starts `text`, which is cut off; false when there is none left. */
static bool next_level(struct mqtt_span *text, bool *more, struct mqtt_span *out)
{
    size_t len = 0;

    if (!*more)
        return false;
    while (len < text->len && text->data[len] != '/')
        len++;
    *out = (struct mqtt_span){ text->data, len };
    *more = len < text->len;
    text->data += *more ? len + 1 : len;
    text->len -= *more ? len + 1 : len;
    return true;
}

static bool contains(struct mqtt_span text, int byte)
{
    return text.len > 0 && memchr(text.data, byte, text.len) != NULL;
}

static bool name_is_valid(struct mqtt_span name)
{
    return name.len > 0 && !contains(name, '+') && !contains(name, '#') && !contains(name, 0);
}

static bool filter_is_valid(struct mqtt_span filter)
{
    bool more = true;
    bool last_seen = false;
    struct mqtt_span level;

    if (filter.len == 0 || contains(filter, 0))
        return false;
    while (next_level(&filter, &more, &level)) {
        bool wild = contains(level, '+') || contains(level, '#');
        if (last_seen || (wild && level.len != 1))
            return false;
        last_seen = contains(level, '#');
    }
    return true;
}

static bool matches(struct mqtt_span filter, struct mqtt_span topic)
{
    bool filter_more = true;
    bool topic_more = true;
    struct mqtt_span pattern;
    struct mqtt_span level;

    if (topic.data[0] == '$' && (filter.data[0] == '+' || filter.data[0] == '#'))
        return false;
    while (next_level(&filter, &filter_more, &pattern)) {
        if (span_equal(pattern, span_of("#")))
            return true;
        if (!next_level(&topic, &topic_more, &level))
            return false;
        if (!span_equal(pattern, span_of("+")) && !span_equal(pattern, level))
            return false;
    }
    return !topic_more;
}

static void check_share(struct mqtt_span filter)
{
    struct mqtt_share share;
    int verdict = mqtt_share_parse(filter, &share);

    promise((verdict == 0) == !span_starts_with(filter, span_of("$share/")));
    if (verdict != 1)
        return;
    promise(lies_in(share.group, filter) && lies_in(share.filter, filter));
    promise(share.group.len + share.filter.len + 8 == filter.len);
    promise(name_is_valid(share.group) && !contains(share.group, '/'));
    promise(filter_is_valid(share.filter));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *split = size > 0 ? memchr(data, '\n', size) : NULL;
    if (split == NULL)
        return 0;

    struct mqtt_span filter = { data, (size_t)(split - data) };
    struct mqtt_span topic = { split + 1, size - filter.len - 1 };

    promise(mqtt_topic_name_is_valid(topic) == name_is_valid(topic));
    promise(mqtt_topic_filter_is_valid(filter) == filter_is_valid(filter));
    promise(mqtt_topic_filter_has_wildcard(filter)
            == (contains(filter, '+') || contains(filter, '#')));
    check_share(filter);
    if (name_is_valid(topic) && filter_is_valid(filter))
        promise(mqtt_topic_matches(filter, topic) == matches(filter, topic));
    return 0;
}
