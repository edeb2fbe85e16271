/* SPDX-License-Identifier: Apache-2.0 */
#include "client/packet.h"

#include "client/characters.h"
#include "client/retry.h"
#include "codec/properties.h"

/* All about a property in a byte: wire type, whether zero is refused, and where it may stand. */
enum {
    TYPE_MASK = 0x07,
    NOT_ZERO = 0x08,
    IN_CONNACK = 0x10,
    IN_PUBLISH = 0x20,
    IN_ACK = 0x40, /* PUBACK to UNSUBACK, which allow the same ones */
    IN_DISCONNECT = 0x80,
};

#define STANDS(packets, type, place) (((packets) >> (type)&1u) != 0 ? (place) : 0)
#define REFUSES_ZERO(id)                                                        \
    ((id) == MQTT_PROP_RECEIVE_MAXIMUM || (id) == MQTT_PROP_MAXIMUM_PACKET_SIZE \
     || (id) == MQTT_PROP_SUBSCRIPTION_IDENTIFIER || (id) == MQTT_PROP_TOPIC_ALIAS)

static const uint8_t kinds[] = {
#define PROPERTY(name, id, type, packets, repeats)                                                \
    [id] = (type) | (REFUSES_ZERO(id) ? NOT_ZERO : 0) | STANDS(packets, MQTT_CONNACK, IN_CONNACK) \
           | STANDS(packets, MQTT_PUBLISH, IN_PUBLISH) | STANDS(packets, MQTT_PUBACK, IN_ACK)     \
           | STANDS(packets, MQTT_DISCONNECT, IN_DISCONNECT),
#include "codec/properties.def"
#undef PROPERTY
};

_Static_assert(sizeof(kinds) <= 64, "seen identifiers fit two words");

/* Where values go: in PUBLISH into its message, numbers of CONNACK into the client, all else
 * into the event. 0: nowhere. A property has one meaning, so one place is enough. */
static const uint8_t places[sizeof(kinds)] = {
    [MQTT_PROP_PAYLOAD_FORMAT] = offsetof(struct tacit_message, payload_is_utf8),
    [MQTT_PROP_MESSAGE_EXPIRY] = offsetof(struct tacit_message, expiry_s),
    [MQTT_PROP_CONTENT_TYPE] = offsetof(struct tacit_message, content_type),
    [MQTT_PROP_RESPONSE_TOPIC] = offsetof(struct tacit_message, response_topic),
    [MQTT_PROP_CORRELATION_DATA] = offsetof(struct tacit_message, correlation),
    [MQTT_PROP_SUBSCRIPTION_IDENTIFIER] = offsetof(struct tacit_message, subscription_identifier),
    [MQTT_PROP_ASSIGNED_CLIENT_ID] = offsetof(struct tacit_event, assigned_client_id),
    [MQTT_PROP_RESPONSE_INFORMATION] = offsetof(struct tacit_event, response_information),
    [MQTT_PROP_SERVER_REFERENCE] = offsetof(struct tacit_event, server_reference),
    [MQTT_PROP_REASON_STRING] = offsetof(struct tacit_event, reason_string),
    [MQTT_PROP_SERVER_KEEP_ALIVE] = offsetof(struct tacit_client, grant.keep_alive_s),
    [MQTT_PROP_RECEIVE_MAXIMUM] = offsetof(struct tacit_client, grant.receive_maximum),
    [MQTT_PROP_TOPIC_ALIAS_MAXIMUM] = offsetof(struct tacit_client, grant.topic_aliases),
    [MQTT_PROP_MAXIMUM_QOS] = offsetof(struct tacit_client, grant.maximum_qos),
    [MQTT_PROP_RETAIN_AVAILABLE] = offsetof(struct tacit_client, grant.retain_available),
    [MQTT_PROP_MAXIMUM_PACKET_SIZE] = offsetof(struct tacit_client, grant.maximum_packet_bytes),
};

/* The reason codes, dense: few are below 0x20, and none between that and 0x80. */
#define DENSE(reason) ((reason) < 0x20 ? (reason) : (reason)-0x60)
/* The packets that one may stand in, a bit for two types: each of PUBACK and PUBREC, and of PUBREL
 * and PUBCOMP, has the reasons of the other, and of the other pairs one has none. */
#define PAIR(packets, type) (((packets) >> (type)&1u) << (type) / 2)

static const uint8_t reasons[] = {
#define REASON(name, value, packets, text)                                                    \
    [DENSE(value)] =                                                                          \
        PAIR(packets, MQTT_CONNACK) | PAIR(packets, MQTT_PUBACK) | PAIR(packets, MQTT_PUBREL) \
        | PAIR(packets, MQTT_SUBACK) | PAIR(packets, MQTT_UNSUBACK)                           \
        | ((value) == MQTT_DISCONNECT_WITH_WILL ? 0 : PAIR(packets, MQTT_DISCONNECT)),
#include "codec/reason.def"
#undef REASON
};

static void fail(struct tacit_packet *p, uint8_t why)
{
    if (p->fault == 0)
        p->fault = why;
    p->at = p->end;
}

/* The next bytes, up to the new p->at; none if they are not there. The bounds check of all but
 * read_varint. */
static const uint8_t *take(struct tacit_packet *p, size_t len)
{
    const uint8_t *from = p->at;
    if (len > (size_t)(p->end - from)) {
        fail(p, TACIT_CUT_SHORT);
        return p->at;
    }
    p->at += len;
    return from;
}

/* Most significant byte first, 1 to 4 of them. */
static uint32_t read_number(struct tacit_packet *p, unsigned bytes)
{
    uint32_t number = 0;
    for (const uint8_t *from = take(p, bytes); from < p->at; from++)
        number = number << 8 | *from;
    return number;
}

/* [MQTT-1.5.5-1] four bytes at most, and no more than are needed. */
static uint32_t read_varint(struct tacit_packet *p)
{
    const uint8_t *at = p->at;
    uint32_t number = 0;
    uint32_t byte;
    unsigned shift = 0;
    do {
        if (at == p->end) {
            fail(p, TACIT_CUT_SHORT);
            return 0;
        }
        byte = *at++;
        number |= (byte & 0x7f) << shift;
        shift += 7;
    } while (byte >= 0x80 && shift < 28);
    p->at = at;
    if (byte >= 0x80 || (byte == 0 && shift > 7))
        fail(p, MQTT_MALFORMED_PACKET);
    return number;
}

/* Two bytes of length, and the bytes, up to the new p->at. */
static const uint8_t *read_binary(struct tacit_packet *p)
{
    return take(p, read_number(p, 2));
}

/* What was read from there on. */
static struct tacit_bytes since(const struct tacit_packet *p, const uint8_t *from)
{
    return (struct tacit_bytes){ from, (size_t)(p->at - from) };
}

static void read_packet_id(struct tacit_packet *p)
{
    p->packet_id = (uint16_t)read_number(p, 2);
    if (p->packet_id == 0)
        fail(p, MQTT_PROTOCOL_ERROR); /* [MQTT-2.2.1-3] [MQTT-2.2.1-4] */
}

/* `to`: where it goes; NULL: nowhere. */
static void read_words(struct tacit_packet *p, unsigned id, unsigned type, uint8_t *to)
{
    const uint8_t *from;
    for (unsigned left = type == MQTT_PROPERTY_PAIR ? 2 : 1; left > 0; left--) {
        from = read_binary(p);
        size_t len = (size_t)(p->at - from);
        if (type != MQTT_PROPERTY_BINARY && !tacit_is_text(from, len))
            fail(p, MQTT_MALFORMED_PACKET);
        if (id == MQTT_PROP_RESPONSE_TOPIC && !tacit_is_topic(from, len))
            fail(p, MQTT_PROTOCOL_ERROR); /* [MQTT-3.3.2-14] */
        if (to != NULL)
            *(struct tacit_bytes *)(void *)to = since(p, from);
    }
}

static void put_number(uint8_t *to, unsigned type, uint32_t number)
{
    if (type == MQTT_PROPERTY_BYTE)
        *to = (uint8_t)number;
    else if (type == MQTT_PROPERTY_U16)
        *(uint16_t *)(void *)to = (uint16_t)number;
    else
        *(uint32_t *)(void *)to = number;
}

static void read_value(struct tacit_packet *p, unsigned id, unsigned kind, uint8_t *to)
{
    unsigned type = kind & TYPE_MASK;
    uint32_t number = type == MQTT_PROPERTY_VARINT
                          ? read_varint(p)
                          : read_number(p, 1u << (type - MQTT_PROPERTY_BYTE));
    /* Every byte in the table is a yes or no, or Maximum QoS: 0 or 1. [MQTT-3.3.2-8] */
    if ((type == MQTT_PROPERTY_BYTE && number > 1) || (number == 0 && (kind & NOT_ZERO) != 0))
        fail(p, id == MQTT_PROP_TOPIC_ALIAS ? MQTT_TOPIC_ALIAS_INVALID : MQTT_PROTOCOL_ERROR);
    if (id == MQTT_PROP_TOPIC_ALIAS)
        p->alias = (uint16_t)number;
    if (to != NULL)
        put_number(to, type, number);
}

_Static_assert(MQTT_PROPERTY_U16 - MQTT_PROPERTY_BYTE == 1
                   && MQTT_PROPERTY_U32 - MQTT_PROPERTY_BYTE == 2
                   && MQTT_PROPERTY_VARINT - MQTT_PROPERTY_BYTE == 3,
               "a type tells its bytes, and numbers come before texts");

static unsigned place_of(unsigned type)
{
    if (type <= MQTT_PUBLISH)
        return type == MQTT_PUBLISH ? IN_PUBLISH : IN_CONNACK;
    return type == MQTT_DISCONNECT ? IN_DISCONNECT : IN_ACK;
}

/* A PUBLISH names each matching subscription, and anyone may add pairs; the first counts. */
static bool may_repeat(unsigned type)
{
    return type == MQTT_PROPERTY_PAIR || type == MQTT_PROPERTY_VARINT;
}

/* Where the properties of a packet go, and those that it had. */
struct block {
    unsigned place;
    uint8_t *numbers;
    uint8_t *texts;
    uint32_t seen[2];
};

static void read_property(struct tacit_packet *p, struct block *block)
{
    unsigned id = read_number(p, 1);
    unsigned kind = id < sizeof(kinds) ? kinds[id] : 0;
    unsigned type = kind & TYPE_MASK;
    uint32_t bit = UINT32_C(1) << id % 32;
    uint32_t *seen = &block->seen[id / 32 & 1];
    bool is_repeated = (*seen & bit) != 0;
    uint8_t fault = is_repeated && !may_repeat(type) ? MQTT_PROTOCOL_ERROR : 0;
    *seen |= bit;
    if ((kind & block->place) == 0)
        fault = MQTT_MALFORMED_PACKET;
    if (fault != 0) {
        fail(p, fault);
        return;
    }
    bool is_number = type <= MQTT_PROPERTY_VARINT;
    uint8_t *to = (is_number ? block->numbers : block->texts) + places[id];
    if (is_repeated || places[id] == 0)
        to = NULL;
    if (is_number)
        read_value(p, id, kind, to);
    else
        read_words(p, id, type, to);
}

static MQTT_NOINLINE void read_properties(struct tacit_client *client, struct tacit_packet *p)
{
    struct tacit_event *event = client->event;
    if (!tacit_is_5(client))
        return;
    /* Most packets have none. */
    if (p->at < p->end && *p->at == 0) {
        p->at++;
        return;
    }
    const uint8_t *end = p->end;
    const uint8_t *from = take(p, read_varint(p));
    struct block block = { place_of(p->type), (uint8_t *)client, (uint8_t *)event, { 0, 0 } };
    if (p->type == MQTT_PUBLISH)
        block.numbers = block.texts = (uint8_t *)&event->message;
    event->message.properties = since(p, from);
    /* The same reader once more, over the block alone. */
    p->end = p->at;
    p->at = from;
    while (p->at != p->end)
        read_property(p, &block);
    p->end = end;
    event->message.has_expiry = block.seen[0] >> MQTT_PROP_MESSAGE_EXPIRY & 1;
    /* [MQTT-3.14.2-2] */
    if (p->type == MQTT_DISCONNECT && (block.seen[0] >> MQTT_PROP_SESSION_EXPIRY & 1) != 0)
        fail(p, MQTT_PROTOCOL_ERROR);
}

static void read_publish(struct tacit_client *client, struct tacit_packet *p)
{
    struct tacit_message *message = &client->event->message;
    message->qos = p->flags >> 1 & 3;
    message->retain = p->flags & 1;
    message->duplicate = p->flags >> 3 & 1;
    const uint8_t *topic = read_binary(p);
    message->topic = since(p, topic);
    /* [MQTT-3.3.1-4] [MQTT-3.3.1-2]; MQTT 3.1 only says what the flag means with QoS > 0. */
    if (message->qos == 3
        || (message->duplicate && message->qos == 0 && !mqtt_is_3_1(tacit_version(client)))
        || (message->topic.len > 0 && !tacit_is_topic(message->topic.data, message->topic.len)))
        fail(p, MQTT_MALFORMED_PACKET);
    if (message->qos > 0)
        read_packet_id(p);
    read_properties(client, p);
    if (message->topic.len == 0 && p->alias == 0)
        fail(p, MQTT_PROTOCOL_ERROR); /* [MQTT-4.7.3-1] */
    message->payload = (struct tacit_bytes){ p->at, (size_t)(p->end - p->at) };
    p->at = p->end;
}

/* Return codes of 3.1.1 are 0..5 (section 3.2.2.3) and, of a subscription, 0..2 and 0x80. */
static bool take_return_code(struct tacit_packet *p)
{
    if (p->type != MQTT_CONNACK)
        return p->reason <= MQTT_GRANTED_QOS_2 || p->reason == MQTT_UNSPECIFIED_ERROR;
    bool is_known = p->reason <= 5;
    p->reason = tacit_reason_of_return_code(p->reason);
    return is_known;
}

static bool take_reason(struct tacit_packet *p)
{
    unsigned place = DENSE(p->reason);
    return place < sizeof(reasons) && (p->reason < 0x20 || p->reason >= 0x80)
           && (reasons[place] >> p->type / 2 & 1) != 0;
}

static void read_reason(const struct tacit_client *client, struct tacit_packet *p)
{
    p->reason = (uint8_t)read_number(p, 1);
    if (!(tacit_is_5(client) ? take_reason(p) : take_return_code(p)))
        fail(p, MQTT_PROTOCOL_ERROR);
}

/* A server older than version 5 says so in its own words, 3.1.1 section 3.2.2.3. */
static bool is_old_refusal(const struct tacit_packet *p)
{
    return MQTT_SPEAKS_3 && p->end - p->at == 2 && p->at[0] == 0 && p->at[1] == 1;
}

static void read_connack(struct tacit_client *client, struct tacit_packet *p)
{
    if (tacit_is_5(client) && is_old_refusal(p)) {
        p->at = p->end;
        p->reason = MQTT_UNSUPPORTED_PROTOCOL_VERSION;
        return;
    }
    p->flags = (uint8_t)read_number(p, 1);
    read_reason(client, p);
    read_properties(client, p);
}

/* The others have the same parts. Each of our packets names one filter, so SUBACK and UNSUBACK have
 * one reason, at the end [MQTT-3.8.4-6] [MQTT-3.11.3-1]. Elsewhere reason 0 may be left out, and
 * the properties after it. */
static void read_answer(struct tacit_client *client, struct tacit_packet *p)
{
    bool is_5 = tacit_is_5(client);
    bool is_suback = p->type == MQTT_SUBACK || p->type == MQTT_UNSUBACK;
    if (p->type != MQTT_DISCONNECT)
        read_packet_id(p);
    if (is_suback)
        read_properties(client, p);
    if (p->type == MQTT_SUBACK || (is_5 && (is_suback || p->at != p->end)))
        read_reason(client, p);
    if (!is_suback && p->at != p->end)
        read_properties(client, p);
}

uint32_t tacit_packet_open(struct tacit_packet *packet, const uint8_t *at, const uint8_t *end)
{
    packet->at = at + 1;
    packet->end = end;
    packet->packet_id = 0;
    packet->alias = 0;
    packet->reason = 0;
    packet->fault = 0;
    packet->type = at[0] >> 4;
    packet->flags = at[0] & 0x0f;
    return read_varint(packet);
}

uint8_t tacit_packet_read(struct tacit_client *client, struct tacit_packet *packet)
{
    if (!MQTT_SPEAKS_5)
        return tacit_packet_read_3(client, packet);
    if (packet->type == MQTT_PUBLISH)
        read_publish(client, packet);
    else if (packet->type == MQTT_CONNACK)
        read_connack(client, packet);
    else if (packet->type != MQTT_PINGRESP)
        read_answer(client, packet);
    if (packet->at != packet->end)
        fail(packet, MQTT_MALFORMED_PACKET);
    return packet->fault == TACIT_CUT_SHORT ? MQTT_MALFORMED_PACKET : packet->fault;
}
