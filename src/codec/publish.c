/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/publish.h"

#include "codec/properties.h"
#include "codec/topic.h"
#include "codec/variant.h"

enum {
    FLAG_RETAIN = 0x01,
    FLAG_DUPLICATE = 0x08,
};

static MQTT_NOINLINE void take_properties(struct mqtt_publish *p)
{
    struct mqtt_reader block = mqtt_reader_over(p->properties);
    struct mqtt_property property;

    while (mqtt_properties_next(&block, &property)) {
        switch (property.id) {
        case MQTT_PROP_PAYLOAD_FORMAT:
            p->payload_is_utf8 = property.number != 0;
            break;
        case MQTT_PROP_MESSAGE_EXPIRY:
            p->has_expiry = true;
            p->expiry_s = property.number;
            break;
        case MQTT_PROP_TOPIC_ALIAS:
            p->has_topic_alias = true;
            p->topic_alias = (uint16_t)property.number;
            break;
        case MQTT_PROP_SUBSCRIPTION_IDENTIFIER:
            p->has_subscription_identifier = true;
            break;
        case MQTT_PROP_RESPONSE_TOPIC:
            p->response_topic = property.value;
            break;
        default:
            break;
        }
    }
}

static enum mqtt_status check_flags(enum mqtt_version version, unsigned flags)
{
    if ((flags & 0x06) == 0x06)
        return MQTT_ERR_QOS; /* [MQTT-3.3.1-4] */
    /* [MQTT-3.3.1-2]; MQTT 3.1 only says what the flag means with QoS > 0. */
    if ((flags & (FLAG_DUPLICATE | 0x06)) == FLAG_DUPLICATE && !mqtt_is_3_1(version))
        return MQTT_ERR_DUP_QOS0;
    return MQTT_OK;
}

/* Of a topic that is not plain text without wildcards. */
static MQTT_NOINLINE enum mqtt_status check_topic(struct mqtt_span topic,
                                                  struct mqtt_span properties)
{
    struct mqtt_property alias;

    if (topic.len == 0)
        return MQTT_SPEAKS_5 && mqtt_properties_find(properties, MQTT_PROP_TOPIC_ALIAS, &alias)
                   ? MQTT_OK
                   : MQTT_ERR_TOPIC_EMPTY;
    /* [MQTT-3.3.2-2] */
    return mqtt_topic_name_is_valid(topic) ? MQTT_OK : MQTT_ERR_TOPIC_WILDCARD;
}

/* What the block of properties may bring, before it is looked into. */
static inline void clear_values(struct mqtt_publish *p)
{
    p->has_topic_alias = false;
    p->topic_alias = 0;
    p->has_expiry = false;
    p->expiry_s = 0;
    p->payload_is_utf8 = false;
    p->has_subscription_identifier = false;
    p->response_topic = (struct mqtt_span){ NULL, 0 };
}

/* The fields are kept in registers and *out is written once, field by field: a
 * struct that is cleared and copied would double the time this takes. */
enum mqtt_status mqtt_publish_decode(enum mqtt_version version, uint8_t flags,
                                     struct mqtt_span body, struct mqtt_publish *out)
{
    struct mqtt_reader r = mqtt_reader_over(body);
    enum mqtt_qos qos = (enum mqtt_qos)(flags >> 1 & 0x03);
    struct mqtt_span properties = { NULL, 0 };
    uint16_t packet_id = 0;

    r.status = check_flags(version, flags);
    struct mqtt_span topic = mqtt_read_binary(&r);
    bool is_plain = mqtt_topic_name_is_plain(topic);
    if (MQTT_UNLIKELY(!is_plain) && !mqtt_utf8_is_valid(topic))
        mqtt_reader_fail(&r, MQTT_ERR_UTF8);
    if (qos != MQTT_QOS_0)
        packet_id = mqtt_read_packet_id(&r);
    if (mqtt_is_5(version))
        properties = mqtt_properties_read(&r, MQTT_PUBLISH);
    struct mqtt_span payload = mqtt_read_rest(&r);
    if (MQTT_UNLIKELY(!is_plain) && r.status == MQTT_OK)
        r.status = check_topic(topic, properties);
    if (MQTT_UNLIKELY(r.status != MQTT_OK))
        return r.status;

    out->qos = qos;
    out->retain = (flags & FLAG_RETAIN) != 0;
    out->duplicate = (flags & FLAG_DUPLICATE) != 0;
    out->packet_id = packet_id;
    out->topic = topic;
    out->properties = properties;
    out->payload = payload;
    clear_values(out);
    if (MQTT_SPEAKS_5 && MQTT_UNLIKELY(properties.len > 0))
        take_properties(out);
    return MQTT_OK;
}

static bool is_forwarded(uint8_t id)
{
    return id != MQTT_PROP_TOPIC_ALIAS && id != MQTT_PROP_MESSAGE_EXPIRY
           && id != MQTT_PROP_SUBSCRIPTION_IDENTIFIER && id != MQTT_PROP_WILL_DELAY;
}

size_t mqtt_publish_forwardable(struct mqtt_span block, uint8_t *out)
{
    struct mqtt_reader r = mqtt_reader_over(block);
    struct mqtt_property property;
    size_t written = 0;

    for (;;) {
        const uint8_t *start = r.at;
        if (!mqtt_properties_next(&r, &property))
            return written;
        if (!is_forwarded(property.id))
            continue;
        size_t len = (size_t)(r.at - start);
        memcpy(out + written, start, len);
        written += len;
    }
}

/* Bytes of the property block on the wire, its own length excluded. */
static size_t block_size(const struct mqtt_publish_out *publish)
{
    size_t size = publish->forward.len;

    if (publish->has_expiry)
        size += 5;
    if (publish->topic_alias != 0)
        size += 3;
    for (size_t i = 0; i < publish->subscription_identifier_count; i++)
        size += 1 + mqtt_varint_size(publish->subscription_identifiers[i]);
    return size;
}

/* The packet's remaining length; `block` is block_size, 0 before MQTT 5. */
static inline size_t body_size(enum mqtt_version version, const struct mqtt_publish_out *publish,
                               size_t block)
{
    size_t size = 2 + publish->topic.len + publish->payload.len;

    if (publish->qos != MQTT_QOS_0)
        size += 2;
    if (mqtt_is_5(version))
        size += mqtt_varint_size((uint32_t)block) + block;
    return size;
}

size_t mqtt_publish_size(enum mqtt_version version, const struct mqtt_publish_out *publish)
{
    size_t block = mqtt_is_5(version) ? block_size(publish) : 0;
    size_t body = body_size(version, publish, block);

    return 1 + mqtt_varint_size((uint32_t)body) + body;
}

static inline uint8_t *put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
    return at + 2;
}

static inline uint8_t *put_varint(uint8_t *at, uint32_t value)
{
    while (MQTT_UNLIKELY(value >= 0x80)) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *put_bytes(uint8_t *at, struct mqtt_span bytes)
{
    if (bytes.len > 0)
        memcpy(at, bytes.data, bytes.len);
    return at + bytes.len;
}

static uint8_t *put_block(uint8_t *at, const struct mqtt_publish_out *publish)
{
    at = put_bytes(at, publish->forward);
    if (publish->has_expiry) {
        *at++ = MQTT_PROP_MESSAGE_EXPIRY;
        at = put_u16(at, (uint16_t)(publish->expiry_s >> 16));
        at = put_u16(at, (uint16_t)publish->expiry_s);
    }
    if (publish->topic_alias != 0) {
        *at++ = MQTT_PROP_TOPIC_ALIAS;
        at = put_u16(at, publish->topic_alias);
    }
    for (size_t i = 0; i < publish->subscription_identifier_count; i++) {
        *at++ = MQTT_PROP_SUBSCRIPTION_IDENTIFIER;
        at = put_varint(at, publish->subscription_identifiers[i]);
    }
    return at;
}

static inline uint8_t first_byte(const struct mqtt_publish_out *publish)
{
    unsigned byte = MQTT_PUBLISH << 4 | (unsigned)publish->qos << 1;

    byte |= publish->duplicate ? FLAG_DUPLICATE : 0;
    byte |= publish->retain ? FLAG_RETAIN : 0;
    return (uint8_t)byte;
}

uint8_t *mqtt_publish_write(uint8_t *out, enum mqtt_version version,
                            const struct mqtt_publish_out *publish, uint8_t **out_packet_id)
{
    size_t block = mqtt_is_5(version) ? block_size(publish) : 0;
    uint8_t *packet_id = NULL;

    *out++ = first_byte(publish);
    out = put_varint(out, (uint32_t)body_size(version, publish, block));
    out = put_u16(out, (uint16_t)publish->topic.len);
    out = put_bytes(out, publish->topic);
    if (publish->qos != MQTT_QOS_0) {
        packet_id = out;
        out = put_u16(out, publish->packet_id);
    }
    if (mqtt_is_5(version)) {
        out = put_varint(out, (uint32_t)block);
        out = put_block(out, publish);
    }
    if (out_packet_id != NULL)
        *out_packet_id = packet_id;
    return put_bytes(out, publish->payload);
}
