/* SPDX-License-Identifier: Apache-2.0 */
/* A PUBLISH that is accepted keeps the header's promises, and forwarded with all
 * its properties it is as long as it was and says the same. */
#include "codec/properties.h"
#include "codec/publish.h"
#include "codec/topic.h"
#include "codec_promise.h"

#define MOST_IDENTIFIERS 64

static void check(enum mqtt_version version, struct mqtt_span body, const struct mqtt_publish *p)
{
    promise(p->qos <= MQTT_QOS_2 && (p->qos == MQTT_QOS_0) == (p->packet_id == 0));
    promise(p->qos > MQTT_QOS_0 || !p->duplicate || version == MQTT_VERSION_3_1);
    promise(lies_in(p->topic, body) && lies_in(p->payload, body) && lies_in(p->properties, body));
    promise(lies_in(p->response_topic, p->properties));
    promise(version == MQTT_VERSION_5 || p->properties.len == 0);
    promise(p->topic.len == 0 ? p->has_topic_alias : mqtt_topic_name_is_valid(p->topic));
    promise(p->has_topic_alias == (p->topic_alias != 0));
    promise(p->response_topic.len == 0 || mqtt_topic_name_is_valid(p->response_topic));
}

static size_t take_identifiers(struct mqtt_span block, uint32_t *out)
{
    struct mqtt_reader r = mqtt_reader_over(block);
    struct mqtt_property property;
    size_t count = 0;

    while (mqtt_properties_next(&r, &property)) {
        if (property.id == MQTT_PROP_SUBSCRIPTION_IDENTIFIER && count++ < MOST_IDENTIFIERS)
            out[count - 1] = property.number;
    }
    return count;
}

static void check_again(enum mqtt_version version, const struct mqtt_publish *a,
                        const struct mqtt_frame *frame)
{
    struct mqtt_publish b;

    promise(mqtt_publish_decode(version, frame->flags, frame->body, &b) == MQTT_OK);
    promise(a->qos == b.qos && a->retain == b.retain && a->duplicate == b.duplicate);
    promise(a->packet_id == b.packet_id && a->topic_alias == b.topic_alias);
    promise(a->has_expiry == b.has_expiry && a->payload_is_utf8 == b.payload_is_utf8);
    promise(!a->has_expiry || a->expiry_s == b.expiry_s);
    promise(a->has_subscription_identifier == b.has_subscription_identifier);
    promise(span_equal(a->topic, b.topic) && span_equal(a->payload, b.payload));
    promise(span_equal(a->response_topic, b.response_topic));
    promise(a->properties.len == b.properties.len);
}

static void check_forwarded(enum mqtt_version version, struct mqtt_span body,
                            const struct mqtt_publish *p)
{
    uint32_t identifiers[MOST_IDENTIFIERS];
    uint8_t *forward = malloc(p->properties.len + 1);
    promise(forward != NULL);

    struct mqtt_publish_out out = {
        .qos = p->qos,
        .retain = p->retain,
        .duplicate = p->duplicate,
        .packet_id = p->packet_id,
        .topic = p->topic,
        .forward = { forward, mqtt_publish_forwardable(p->properties, forward) },
        .payload = p->payload,
        .has_expiry = p->has_expiry,
        .expiry_s = p->expiry_s,
        .topic_alias = p->topic_alias,
        .subscription_identifiers = identifiers,
        .subscription_identifier_count = take_identifiers(p->properties, identifiers),
    };
    promise(out.forward.len <= p->properties.len);
    if (out.subscription_identifier_count <= MOST_IDENTIFIERS) {
        size_t len = mqtt_publish_size(version, &out);
        uint8_t *packet = malloc(len);
        struct mqtt_frame frame;

        promise(packet != NULL);
        promise(mqtt_publish_write(packet, version, &out, NULL) == packet + len);
        promise(mqtt_frame_decode((struct mqtt_span){ packet, len }, len, &frame) == MQTT_OK);
        promise(frame.body.len == body.len && frame.type == MQTT_PUBLISH);
        promise(version == MQTT_VERSION_5 || span_equal(frame.body, body));
        check_again(version, p, &frame);
        free(packet);
    }
    free(forward);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    enum mqtt_version version = version_of(data[0] >> 4);
    struct mqtt_span body = { data + 1, size - 1 };
    struct mqtt_publish p;

    if (mqtt_publish_decode(version, data[0] & 0x0f, body, &p) == MQTT_OK) {
        check(version, body, &p);
        check_forwarded(version, body, &p);
    }
    return 0;
}
