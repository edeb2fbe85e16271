/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/properties.h"

#include "codec/topic.h"

struct rule {
    uint8_t type; /* enum mqtt_property_type; 0: no such property */
    bool repeats;
    uint16_t packets; /* bit n: may stand in packet type n */
};

static const struct rule rules[] = {
#define PROPERTY(name, id, type, packets, repeats) [id] = { type, repeats, (uint16_t)(packets) },
#include "codec/properties.def"
#undef PROPERTY
};

_Static_assert(sizeof(rules) / sizeof(rules[0]) <= 64, "seen identifiers fit one word");

/* A rule that refuses everything stands for identifiers that do not exist. */
static struct rule rule_of(uint32_t id)
{
    return id < MQTT_ARRAY_LEN(rules) ? rules[id] : (struct rule){ 0 };
}

/* Reads what follows the identifier. Strings that were validated once are not
 * validated again. */
static void read_value(struct mqtt_reader *r, bool is_validated, struct mqtt_property *p)
{
    switch (p->type) {
    case MQTT_PROPERTY_BYTE:
        p->number = mqtt_read_u8(r);
        return;
    case MQTT_PROPERTY_U16:
        p->number = mqtt_read_u16(r);
        return;
    case MQTT_PROPERTY_U32:
        p->number = mqtt_read_u32(r);
        return;
    case MQTT_PROPERTY_VARINT:
        p->number = mqtt_read_varint(r);
        return;
    case MQTT_PROPERTY_PAIR:
        p->name = is_validated ? mqtt_read_binary(r) : mqtt_read_utf8(r);
        p->value = is_validated ? mqtt_read_binary(r) : mqtt_read_utf8(r);
        return;
    case MQTT_PROPERTY_UTF8:
        p->value = is_validated ? mqtt_read_binary(r) : mqtt_read_utf8(r);
        return;
    case MQTT_PROPERTY_BINARY:
        p->value = mqtt_read_binary(r);
        return;
    case MQTT_PROPERTY_UNKNOWN:
        mqtt_reader_fail(r, MQTT_ERR_PROPERTY_UNKNOWN);
        return;
    }
}

/* Reads a value that must not be zero. */
static enum mqtt_status check_not_zero(const struct mqtt_property *p, enum mqtt_status why)
{
    return p->number != 0 ? MQTT_OK : why;
}

static enum mqtt_status check_value(const struct mqtt_property *p)
{
    switch (p->id) {
    case MQTT_PROP_RECEIVE_MAXIMUM:
        return check_not_zero(p, MQTT_ERR_RECEIVE_MAXIMUM_ZERO);
    case MQTT_PROP_MAXIMUM_PACKET_SIZE:
        return check_not_zero(p, MQTT_ERR_MAXIMUM_PACKET_SIZE_ZERO);
    case MQTT_PROP_SUBSCRIPTION_IDENTIFIER:
        return check_not_zero(p, MQTT_ERR_SUBSCRIPTION_IDENTIFIER_ZERO);
    case MQTT_PROP_TOPIC_ALIAS:
        return check_not_zero(p, MQTT_ERR_TOPIC_ALIAS); /* [MQTT-3.3.2-8] */
    case MQTT_PROP_RESPONSE_TOPIC:
        /* [MQTT-3.3.2-14] */
        return mqtt_topic_name_is_valid(p->value) ? MQTT_OK : MQTT_ERR_RESPONSE_TOPIC;
    default:
        /* Every byte in the table is a yes or no, or Maximum QoS: 0 or 1. */
        return p->type == MQTT_PROPERTY_BYTE && p->number > 1 ? MQTT_ERR_PROPERTY_VALUE : MQTT_OK;
    }
}

static bool may_repeat(struct rule rule, uint8_t id, enum mqtt_packet_type packet)
{
    /* A PUBLISH names each matching subscription, a SUBSCRIBE is one of them. */
    if (id == MQTT_PROP_SUBSCRIPTION_IDENTIFIER)
        return packet == MQTT_PUBLISH;
    return rule.repeats;
}

/* Reads one property and judges it; `seen` collects the identifiers so far. */
static void check_next(struct mqtt_reader *r, enum mqtt_packet_type packet, uint64_t *seen)
{
    uint32_t id = mqtt_read_varint(r);
    struct rule rule = rule_of(id);
    struct mqtt_property p = { .id = (uint8_t)id, .type = (enum mqtt_property_type)rule.type };

    if (r->status != MQTT_OK)
        return;
    if (rule.type != MQTT_PROPERTY_UNKNOWN && (rule.packets >> (unsigned)packet & 1u) == 0)
        mqtt_reader_fail(r, MQTT_ERR_PROPERTY_NOT_ALLOWED);
    read_value(r, false, &p);
    if (r->status != MQTT_OK)
        return;

    uint64_t bit = UINT64_C(1) << id;
    if ((*seen & bit) != 0 && !may_repeat(rule, p.id, packet))
        mqtt_reader_fail(r, MQTT_ERR_PROPERTY_DUPLICATE);
    *seen |= bit;

    enum mqtt_status status = check_value(&p);
    if (status != MQTT_OK)
        mqtt_reader_fail(r, status);
}

struct mqtt_span mqtt_properties_read(struct mqtt_reader *r, enum mqtt_packet_type packet)
{
    struct mqtt_span block = mqtt_read_bytes(r, mqtt_read_varint(r));
    if (MQTT_LIKELY(block.len == 0))
        return block;

    struct mqtt_reader inner = mqtt_reader_over(block);
    uint64_t seen = 0;
    while (inner.status == MQTT_OK && mqtt_reader_left(&inner) > 0)
        check_next(&inner, packet, &seen);
    if (inner.status == MQTT_OK)
        return block;

    mqtt_reader_fail(r, inner.status);
    return (struct mqtt_span){ NULL, 0 };
}

bool mqtt_properties_next(struct mqtt_reader *r, struct mqtt_property *out)
{
    if (r->status != MQTT_OK || mqtt_reader_left(r) == 0)
        return false;

    uint32_t id = mqtt_read_varint(r);
    struct mqtt_property p = { .id = (uint8_t)id,
                               .type = (enum mqtt_property_type)rule_of(id).type };
    read_value(r, true, &p);
    if (r->status != MQTT_OK)
        return false;
    *out = p;
    return true;
}

static void write_byte(struct mqtt_writer *w, uint32_t number)
{
    if (number > UINT8_MAX)
        mqtt_writer_fail(w, MQTT_ERR_FIELD);
    mqtt_write_u8(w, (uint8_t)number);
}

static void write_u16(struct mqtt_writer *w, uint32_t number)
{
    if (number > UINT16_MAX)
        mqtt_writer_fail(w, MQTT_ERR_FIELD);
    mqtt_write_u16(w, (uint16_t)number);
}

static void write_value(struct mqtt_writer *w, enum mqtt_property_type type,
                        const struct mqtt_property *p)
{
    switch (type) {
    case MQTT_PROPERTY_BYTE:
        write_byte(w, p->number);
        return;
    case MQTT_PROPERTY_U16:
        write_u16(w, p->number);
        return;
    case MQTT_PROPERTY_U32:
        mqtt_write_u32(w, p->number);
        return;
    case MQTT_PROPERTY_VARINT:
        mqtt_write_varint(w, p->number);
        return;
    case MQTT_PROPERTY_PAIR:
        mqtt_write_binary(w, p->name);
        mqtt_write_binary(w, p->value);
        return;
    case MQTT_PROPERTY_UTF8:
    case MQTT_PROPERTY_BINARY:
        mqtt_write_binary(w, p->value);
        return;
    case MQTT_PROPERTY_UNKNOWN:
        mqtt_writer_fail(w, MQTT_ERR_PROPERTY_UNKNOWN);
        return;
    }
}

void mqtt_property_write(struct mqtt_writer *w, const struct mqtt_property *property)
{
    uint8_t *start = w->at;

    mqtt_write_u8(w, property->id);
    write_value(w, (enum mqtt_property_type)rule_of(property->id).type, property);
    if (w->status != MQTT_OK)
        w->at = start;
}

size_t mqtt_property_size(const struct mqtt_property *property)
{
    switch ((enum mqtt_property_type)rule_of(property->id).type) {
    case MQTT_PROPERTY_BYTE:
        return 2;
    case MQTT_PROPERTY_U16:
        return 3;
    case MQTT_PROPERTY_U32:
        return 5;
    case MQTT_PROPERTY_VARINT:
        return 1 + mqtt_varint_size(property->number);
    case MQTT_PROPERTY_PAIR:
        return 5 + property->name.len + property->value.len;
    case MQTT_PROPERTY_UTF8:
    case MQTT_PROPERTY_BINARY:
        return 3 + property->value.len;
    case MQTT_PROPERTY_UNKNOWN:
        return 0;
    }
    return 0;
}
