/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/topic.h"

#include "base/attrs.h"

/* A word of the machine at a time: a small one has small ones. */
#define WORD     sizeof(size_t)
#define ONES     (SIZE_MAX / 0xff)
#define HIGHS    (ONES << 7)
#define PLUSES   (ONES * '+')
#define PLUS_BIT (ONES * ('+' ^ '#'))

_Static_assert(('+' ^ '#') == 0x08, "the wildcards differ in one bit");

static inline size_t load(const uint8_t *at)
{
    size_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* Are all bytes of it 0x01..0x7F and neither '+' nor '#'? A zero byte borrows into its
 * high bit; a byte that is not zero and below 0x80 carries into it. */
static inline bool is_plain(size_t word)
{
    size_t mark = ((word | PLUS_BIT) ^ PLUSES) + (HIGHS - ONES);
    return (((word - ONES) | word | ~mark) & HIGHS) == 0;
}

static inline bool is_forbidden(uint8_t byte)
{
    return byte == '+' || byte == '#' || byte == 0;
}

bool mqtt_topic_name_is_plain(struct mqtt_span topic)
{
    const uint8_t *at = topic.data;

    if (topic.len < WORD) {
        for (size_t i = 0; i < topic.len; i++) {
            if (is_forbidden(at[i]) || at[i] >= 0x80)
                return false;
        }
        return topic.len > 0;
    }
    /* The last word may overlap the one before it. */
    const uint8_t *last = at + topic.len - WORD;
    for (; at < last; at += WORD) {
        if (!is_plain(load(at)))
            return false;
    }
    return is_plain(load(last));
}

bool mqtt_topic_name_is_valid(struct mqtt_span topic)
{
    for (size_t i = 0; i < topic.len; i++) {
        if (is_forbidden(topic.data[i]))
            return false;
    }
    return topic.len > 0;
}

bool mqtt_topic_filter_is_valid(struct mqtt_span filter)
{
    bool level_start = true;

    for (size_t i = 0; i < filter.len; i++) {
        uint8_t byte = filter.data[i];
        bool last = i + 1 == filter.len;

        if (byte == 0)
            return false;
        if (byte == '#' && !(level_start && last))
            return false;
        if (byte == '+' && !(level_start && (last || filter.data[i + 1] == '/')))
            return false;
        level_start = byte == '/';
    }
    return filter.len > 0;
}

bool mqtt_topic_filter_has_wildcard(struct mqtt_span filter)
{
    for (size_t i = 0; i < filter.len; i++) {
        if (filter.data[i] == '+' || filter.data[i] == '#')
            return true;
    }
    return false;
}

unsigned mqtt_topic_levels(struct mqtt_span topic)
{
    unsigned levels = 1;

    for (size_t i = 0; i < topic.len; i++)
        levels += topic.data[i] == '/';
    return levels;
}

/* Bytes up to the next separator or the end. */
static size_t level_len(struct mqtt_span text, size_t from)
{
    size_t to = from;

    while (to < text.len && text.data[to] != '/')
        to++;
    return to - from;
}

static bool is_wildcard(uint8_t byte)
{
    return byte == '+' || byte == '#';
}

bool mqtt_topic_matches(struct mqtt_span filter, struct mqtt_span topic)
{
    size_t f = 0;
    size_t t = 0;

    /* [MQTT-4.7.2-1] */
    if (topic.data[0] == '$' && is_wildcard(filter.data[0]))
        return false;

    for (;;) {
        size_t filter_len = level_len(filter, f);
        size_t topic_len = level_len(topic, t);

        if (filter_len == 1 && filter.data[f] == '#')
            return true;
        bool any = filter_len == 1 && filter.data[f] == '+';
        if (!any
            && (filter_len != topic_len || memcmp(filter.data + f, topic.data + t, topic_len) != 0))
            return false;

        f += filter_len;
        t += topic_len;
        if (t == topic.len) {
            /* "a/#" matches "a" itself. */
            bool parent = filter.len - f == 2 && filter.data[f + 1] == '#';
            return f == filter.len || parent;
        }
        if (f == filter.len)
            return false;
        f++;
        t++;
    }
}

int mqtt_share_parse(struct mqtt_span filter, struct mqtt_share *out)
{
    static const uint8_t prefix[] = { '$', 's', 'h', 'a', 'r', 'e', '/' };

    if (!span_starts_with(filter, (struct mqtt_span){ prefix, sizeof(prefix) }))
        return 0;

    struct mqtt_span rest = { filter.data + sizeof(prefix), filter.len - sizeof(prefix) };
    struct mqtt_span group = { rest.data, level_len(rest, 0) };
    /* [MQTT-4.8.2-1] at least one character, no wildcard; [MQTT-4.8.2-2] then a filter. */
    if (group.len == rest.len || !mqtt_topic_name_is_valid(group))
        return -1;
    struct mqtt_span inner = { rest.data + group.len + 1, rest.len - group.len - 1 };
    if (!mqtt_topic_filter_is_valid(inner))
        return -1;

    out->group = group;
    out->filter = inner;
    return 1;
}
