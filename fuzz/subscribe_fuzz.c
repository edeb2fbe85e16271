/* SPDX-License-Identifier: Apache-2.0 */
/* A SUBSCRIBE that is accepted can be walked to its end, and encoded again it is
 * the same bytes; in MQTT 3.1 but for bits that mean nothing. */
#include "codec/subscribe.h"
#include "codec/topic.h"
#include "codec_promise.h"

#define MOST_ENTRIES 64

static void check_entry(struct mqtt_span entries, const struct mqtt_subscription *entry)
{
    struct mqtt_share share;

    promise(lies_in(entry->filter, entries));
    promise(entry->qos <= MQTT_QOS_2 && entry->retain_handling <= 2);
    promise(!entry->no_local || mqtt_share_parse(entry->filter, &share) == 0);
}

static unsigned walk(enum mqtt_version version, struct mqtt_span span,
                     struct mqtt_subscription *entries)
{
    struct mqtt_reader r = mqtt_reader_over(span);
    struct mqtt_subscription entry;
    unsigned count = 0;

    while (mqtt_subscribe_next(version, &r, &entry)) {
        check_entry(span, &entry);
        if (count < MOST_ENTRIES)
            entries[count] = entry;
        count++;
    }
    promise(mqtt_reader_left(&r) == 0);
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    enum mqtt_version version = version_of(data[0]);
    struct mqtt_span body = { data + 1, size - 1 };
    struct mqtt_subscription entries[MOST_ENTRIES];
    struct mqtt_subscribe s;

    if (mqtt_subscribe_decode(version, body, &s) != MQTT_OK)
        return 0;
    promise(s.packet_id != 0 && s.count > 0);
    promise(s.subscription_identifier <= MQTT_VARINT_MAX);
    promise(lies_in(s.properties, body) && lies_in(s.entries, body));
    promise(walk(version, s.entries, entries) == s.count);
    if (s.count > MOST_ENTRIES)
        return 0;

    struct mqtt_writer w = writer_for(body);
    mqtt_subscribe_encode(&w, version, s.packet_id, s.properties, entries, s.count);
    struct mqtt_frame frame = frame_of(&w, MQTT_SUBSCRIBE);
    promise(frame.body.len == body.len);
    promise(version == MQTT_VERSION_3_1 || span_equal(frame.body, body));
    free(w.start);
    return 0;
}
